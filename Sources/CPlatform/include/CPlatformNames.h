// Questions to the system's resolver.
#pragma once

// Asks for the records of a type, following the search list of resolv.conf. The length of the answer, which is at most
// `capacity`, or -1 with the resolver's own number of the error (HOST_NOT_FOUND, TRY_AGAIN, NO_RECOVERY, NO_DATA).
int martlet_query_names(const char *name, int type, unsigned char *answer, int capacity, int *error);

// The first address of a host, in numbers, IPv4 before IPv6. 0, or getaddrinfo's number of the error.
int martlet_resolve_host(const char *host, char *address, int capacity);
