#include "exray.h"
