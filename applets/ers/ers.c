/* The agent's table of commands. */
#include "applets/ers/ers.h"
#include "applets/applets.h"

static const struct opt_command *const commands[] = {
    &ers_discover, &ers_scan, &ers_inspect, &ers_login, &ers_push, &ers_status, &ers_logout, NULL,
};

const struct opt_applet applet_ers = {
    "ers",
    "finds the certificates that servers use and reports them",
    commands,
};
