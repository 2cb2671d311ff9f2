// Thread calls behind _GNU_SOURCE.
#pragma once

// Names the calling thread for debuggers and ps: at most 15 bytes. 0, or an error number.
int martlet_name_thread(const char *name);
