#pragma once

#include "CPlatformDisk.h"
