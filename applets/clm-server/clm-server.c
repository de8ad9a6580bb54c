/* The server's table of commands. */
#include "applets/clm-server/server.h"
#include "applets/applets.h"

static const struct opt_command *const commands[] = {
    &clm_server_init,    &clm_server_run,        &clm_server_token,   &clm_server_user,
    &clm_server_check,   &clm_server_checkpoint, &clm_server_digest,  &clm_server_backup,
    &clm_server_restore, &clm_server_import,     &clm_server_compact, NULL,
};

/* clang-format off */
static const struct opt_file files[] = {
    {"/etc/clm/server.conf", "The server's settings; written by clm-server init", settings_rows},
    {"/var/lib/clm/server",  "The store, and beside it keys, users and tokens (mode 0600)", NULL},
    {NULL, NULL, NULL},
};
/* clang-format on */

const struct opt_applet applet_clm_server = {
    .name = "clm-server",
    .summary = "keeps what the agents find, and shows it",
    .commands = commands,
    .files = files,
};
