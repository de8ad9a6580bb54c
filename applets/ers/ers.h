/* ers, the agent: its commands, one file each. */
#ifndef APPLETS_ERS_ERS_H
#define APPLETS_ERS_ERS_H

#include "base/opt.h"

extern const struct opt_command ers_discover, ers_scan, ers_inspect, ers_login, ers_push,
    ers_status, ers_logout, ers_request, ers_renew, ers_sync, ers_explain;

#endif
