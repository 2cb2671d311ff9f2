#include "CGRPCShim.h"

// `absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore)` of Debian's abseil. Weak: where the library has
// another name for it, nothing is changed.
extern "C" void set_mutex_deadlock_detection(int mode)
    __asm__("_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE") __attribute__((weak));

namespace {
constexpr int ignore_cycles = 0;
}

void martlet_skip_lock_order_checks(void) {
    if (set_mutex_deadlock_detection) set_mutex_deadlock_detection(ignore_cycles);
}
