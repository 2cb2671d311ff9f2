#include "CEtcdMessages.h"
