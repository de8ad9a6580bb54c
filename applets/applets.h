/* The applets, one row each. */
#ifndef APPLETS_APPLETS_H
#define APPLETS_APPLETS_H

#include "base/opt.h"

extern const struct opt_applet applet_ers, applet_clm_server, applet_clm_export;
/* clm under its own name: commands that serve all applets. */
extern const struct opt_applet applet_clm;
/* All but clm itself; NULL closes it. The rows stand in main.c. */
extern const struct opt_applet *const clm_applets[];
/* What `clm` alone shows. */
void clm_list(FILE *out);

#endif
