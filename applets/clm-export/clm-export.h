/* The export's applet. */
#ifndef APPLETS_CLM_EXPORT_H
#define APPLETS_CLM_EXPORT_H

#include "base/opt.h"

extern const struct opt_applet applet_clm_export;

#endif
