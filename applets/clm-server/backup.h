/* What the commands `backup` and `restore` share. */
#ifndef APPLETS_CLM_SERVER_BACKUP_H
#define APPLETS_CLM_SERVER_BACKUP_H

#include "applets/clm-server/server.h"
#include "store/backup/backup.h"

/* The files of a server beside its log; those that are not there are left out. */
struct backup_row {
    const char *name;
    bool is_secret;
    bool is_config; /* in the folder of server.conf, not in that of the store */
};
extern const struct backup_row backup_rows[];
extern const size_t backup_rows_n;

/* Where it lies; NULL: no memory. */
const char *backup_row_path(struct arena *a, const struct settings *s,
                            const struct backup_row *row);

/* Prints what a restore of it will lack: `has_secrets` of the backup, and files that server.conf
 * names outside of the folders. */
void backup_print_lacks(const struct settings *s, bool has_secrets, FILE *out);

enum { BACKUP_PASSPHRASE_MAX = 4096 };

#endif
