#pragma once

#include "CPlatformDisk.h"
#include "CPlatformMemory.h"
#include "CPlatformNames.h"
#include "CPlatformThread.h"
