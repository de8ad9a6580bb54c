/* What this build is. The Makefile gives both. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#ifndef CLM_VERSION
#define CLM_VERSION "0.1.0"
#endif
#ifndef CLM_TARGET
#define CLM_TARGET "unknown"
#endif

#endif
