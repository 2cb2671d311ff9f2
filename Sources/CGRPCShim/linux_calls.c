#define _GNU_SOURCE

#include "CGRPCShim.h"

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { MAX_READY = 64 };

int martlet_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int martlet_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int martlet_epoll_add(int epoll, int descriptor, int on_change) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (on_change ? EPOLLET : 0), .data.fd = descriptor};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int martlet_epoll_remove(int epoll, int descriptor) { return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL); }

int martlet_epoll_wait(int epoll, int *ready, int count, int timeout_milliseconds) {
    struct epoll_event events[MAX_READY];
    int found = epoll_wait(epoll, events, count < MAX_READY ? count : MAX_READY, timeout_milliseconds);
    for (int index = 0; index < found; index++) {
        int descriptor = events[index].data.fd;
        ready[index] = events[index].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? ~descriptor : descriptor;
    }
    return found;
}

int martlet_event_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int martlet_event_signal(int event) { return eventfd_write(event, 1); }
