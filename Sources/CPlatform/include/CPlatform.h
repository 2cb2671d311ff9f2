#pragma once

#include "CPlatformDisk.h"
#include "CPlatformThread.h"
