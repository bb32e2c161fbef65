/* banned: functions that are wrong more often than right here. Including this makes them errors. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The system headers that declare them come first, so only our own uses are poisoned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef alloca /* a macro in glibc */
#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gets gmtime localtime rand \
    alloca

#endif
