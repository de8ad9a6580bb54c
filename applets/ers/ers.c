/* The agent's table of commands. */
#include "applets/ers/ers.h"
#include "applets/ers/agent.h"
#include "applets/applets.h"

static const struct opt_command *const commands[] = {
    &ers_discover, &ers_scan,   &ers_inspect, &ers_explain, &ers_login, &ers_push,
    &ers_status,   &ers_logout, &ers_request, &ers_renew,   &ers_sync,  NULL,
};

/* clang-format off */
static const struct opt_file files[] = {
    {"/etc/clm/ers.conf",  "Which server, and who this agent is there; written by ers login",
     agent_config_rows},
    {"/etc/clm/targets",   "What is scanned, one target a line; written by ers discover", NULL},
    {"/etc/clm/requests",  "What this host requested, where it goes, how far it is; one object a line", NULL},
    {"/var/lib/clm/agent", "Its key, what the last scan found, what is still to be delivered", NULL},
    {NULL, NULL, NULL},
};
/* clang-format on */

const struct opt_applet applet_ers = {
    .name = "ers",
    .summary = "finds the certificates that servers use and reports them",
    .commands = commands,
    .files = files,
};
