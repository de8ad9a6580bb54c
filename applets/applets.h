/* The applets, one line each. */
#ifndef APPLETS_APPLETS_H
#define APPLETS_APPLETS_H

#include "base/opt.h"

extern const struct opt_applet applet_ers, applet_clm_server, applet_clm_export;

#endif
