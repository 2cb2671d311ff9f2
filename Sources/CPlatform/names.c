#define _GNU_SOURCE
#include "CPlatform.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>

int martlet_query_names(const char *name, int type, unsigned char *answer, int capacity, int *error) {
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) {
        *error = NO_RECOVERY;
        return -1;
    }
    int length = res_nsearch(&state, name, ns_c_in, type, answer, capacity);
    *error = state.res_h_errno;
    res_nclose(&state);
    // What did not fit is told of by a length that is greater than the capacity.
    return length > capacity ? capacity : length;
}

int martlet_resolve_host(const char *host, char *address, int capacity) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = 0;
    int error = getaddrinfo(host, 0, &hints, &found);
    if (error != 0) return error;
    const struct addrinfo *chosen = found;
    for (const struct addrinfo *each = found; each; each = each->ai_next) {
        if (each->ai_family == AF_INET) {
            chosen = each;
            break;
        }
    }
    error = getnameinfo(chosen->ai_addr, chosen->ai_addrlen, address, (socklen_t)capacity, 0, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return error;
}
