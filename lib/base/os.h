/* What libuv lacks, one implementation a system: os_posix.c, os_win32.c.
 * The only place where systems differ. */
#ifndef BASE_OS_H
#define BASE_OS_H

#include "base/arena.h"
#include "base/buf.h"

/* Makes the entries of a folder durable (renames, new files). */
enum err os_dir_sync(const char *path, struct fault *f) MUST_CHECK;

/* An exclusive lock on a file, made if absent, held by this process until
 * closed or its end. ERR_LOCKED where another holds it. */
struct os_lock {
    intptr_t handle; /* -1 when open none */
};
enum err os_lock_open(struct os_lock *lock, const char *path, struct fault *f) MUST_CHECK;
void os_lock_close(struct os_lock *lock);

enum os_place { OS_CONFIG, OS_AGENT_STATE, OS_SERVER_STATE };
/* The folder for it: of the system for root and services, else of the user
 * (XDG); on Windows below %ProgramData%\clm. In the arena; NULL when unknown. */
char *os_place(struct arena *a, enum os_place place);
/* The same for the other kind of user, to point out a file that lies there. */
char *os_place_other(struct arena *a, enum os_place place);

bool os_is_terminal(int fd);     /* 0, 1, 2 */
int os_terminal_columns(int fd); /* 80 where unknown */
/* Reads a line without echo where stdin is a terminal. */
enum err os_read_secret(const char *prompt, struct buf *out, struct fault *f) MUST_CHECK;

/* The fully qualified host name, or the short one. */
char *os_hostname(struct arena *a);
/* "Linux 6.1 x86_64" */
char *os_describe(struct arena *a);

/* Raises the limit of open files to the hard limit; returns what is now allowed. */
size_t os_raise_file_limit(void);
/* Random bytes of the system; false: none to be had. */
bool os_random(uint8_t *out, size_t n);
/* Ignores SIGPIPE; binary mode for the standard streams on Windows; arguments in UTF-8
 * (argv is replaced there). Called once by main. */
void os_start(int *argc, char ***argv);
/* A name for argv[0]'s file: the path of the running binary. NULL when unknown. */
char *os_self(struct arena *a);
/* link(2)-like for `clm install`: a symbolic link, on Windows a copy. */
enum err os_link(const char *target, const char *path, struct fault *f) MUST_CHECK;
/* Tells the service manager ("READY=1", "STOPPING=1"; sd_notify(3)) where one listens;
 * else nothing. */
void os_notify(const char *state);
/* The pipe or socket name for local administration of a data folder. */
char *os_control_name(struct arena *a, const char *data_dir);

#endif
