#pragma once

#include "CPlatformDisk.h"
#include "CPlatformMemory.h"
#include "CPlatformThread.h"
