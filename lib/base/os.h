/* What libuv lacks, one implementation a system: os_posix.c, os_win32.c.
 * The only place where systems differ. */
#ifndef BASE_OS_H
#define BASE_OS_H

#include "base/arena.h"
#include "base/buf.h"

/* Between a folder and a name: a slash, on Windows a back-slash (both are read there). */
extern const char os_slash;

/* Makes a file, open for reading and writing, or one folder; neither may exist. Returns
 * libuv's descriptor or 0, else libuv's error code. `mode` as open(2) and mkdir(2) know it.
 * Where root makes it in a folder of another user, it becomes that user's.
 * On Windows, where libuv takes no mode, one without group and other bits becomes an ACL:
 * full access for SYSTEM, Administrators and the owner, nothing inherited from above; what
 * is made in such a folder inherits it. A folder made directly in %ProgramData% gets that
 * ACL with any mode, because everybody may make files there. */
int os_file_make(const char *path, int mode);
int os_dir_make(const char *path, int mode);
/* Puts a file in another's place, which may be absent. 0 or libuv's error code. On Windows
 * that fails as long as somebody has either open (a scanner of viruses, a reader): it is
 * tried again for two seconds. */
int os_rename(const char *from, const char *to);
/* Makes the entries of a folder durable (renames, new files). */
enum err os_dir_sync(const char *path, struct fault *f) MUST_CHECK;

/* A whole file in memory: read when it is looked at, and given up again by the system
 * where memory is short. What is written there stays in this process and never reaches the
 * file. The file must not be cut or written while it is mapped; on Windows it cannot be
 * removed either. An empty file has p NULL. ERR_MEMORY; ERR_LIMIT: beyond the address space. */
struct os_map {
    uint8_t *p;
    size_t n;
};
enum err os_map_open(struct os_map *map, const char *path, struct fault *f) MUST_CHECK;
void os_map_close(struct os_map *map); /* of one that is open, or zeroed */

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
bool os_is_ansi(int fd);         /* a terminal that knows colours and cursor movement */
int os_terminal_columns(int fd); /* 80 where unknown */
/* Reads a line without echo where stdin is a terminal. UTF-8, whatever the terminal's. */
enum err os_read_secret(const char *prompt, struct buf *out, struct fault *f) MUST_CHECK;

/* The fully qualified host name, or the short one. */
char *os_hostname(struct arena *a);
/* "Linux 6.1 x86_64" */
char *os_describe(struct arena *a);

/* Raises the limit of open files to the hard limit; returns what is now allowed. */
size_t os_raise_file_limit(void);
/* From now on this thread works when others have nothing to do, as far as the system has that;
 * for good. */
void os_thread_lower(void);
/* Nobody but its owner has rights on it: what a file with a secret must be. On Windows
 * always true: there the ACL of its folder says who may read it. */
bool os_file_is_private(const char *path);
/* Random bytes of the system; false: none to be had. */
bool os_random(uint8_t *out, size_t n);
/* Sends the last bytes (may be none) and the end of our direction of a connected stream
 * socket, in one packet where the system can; nothing is written after it. False: it did not
 * take them all at once, or the connection is broken. `handle` is uv_fileno's. */
bool os_socket_finish(intptr_t handle, struct bytes last);
/* Ignores SIGPIPE. On Windows: arguments in UTF-8 (argv is replaced), binary mode for the
 * standard streams, a console that takes UTF-8 and colours until the end of the process
 * (its streams are buffered: flush what has to be seen before a wait); Ctrl-Break, a closed
 * console and a shutdown arrive as SIGTERM. Called once by main. */
void os_start(int *argc, char ***argv);
/* A name for argv[0]'s file: the path of the running binary. NULL when unknown. */
char *os_self(struct arena *a);
/* link(2)-like for `clm install`: a symbolic link, on Windows a copy. */
enum err os_link(const char *target, const char *path, struct fault *f) MUST_CHECK;
/* Tells the service manager ("READY=1", "STOPPING=1"; sd_notify(3)) where one listens;
 * else nothing. */
void os_notify(const char *state);
/* The words that run a command line in the system's shell, NULL behind the last; to be
 * joined by blanks as they stand where the system has one line instead of words. */
enum { OS_SHELL_WORDS = 8 };
void os_shell(const char *command, const char *words[OS_SHELL_WORDS]);
/* Ends a process that was started detached, and what it has started itself. */
void os_process_kill(int pid);
/* To whom a file is given; -1: stays as it is. */
struct os_owner {
    int64_t user, group;
};
/* "user", "user:group" or ":group", by name or number. ERR_USAGE names who is unknown;
 * ERR_UNSUPPORTED on Windows. */
enum err os_owner_find(const char *text, struct os_owner *out, struct fault *f) MUST_CHECK;
/* Who owns a file, by name; "" where that is not known. `owner` is what the file's numbers
 * say; on Windows, where there are none, `path` is asked. */
enum { OS_NAME_MAX = 256 };
void os_owner_names(const char *path, const struct os_owner *owner, char user[OS_NAME_MAX],
                    char group[OS_NAME_MAX]);
/* Have files numbers of owners, and a mode? Not on Windows. */
extern const bool os_has_owners;

/* Has the system stores of certificates of its own? Windows. */
extern const bool os_has_stores;
/* One certificate; borrowed for the call. `has_key`: the system keeps a private key for
 * it, wherever that is; it is not touched. False ends the reading. */
typedef bool os_store_visit(void *context, struct bytes der, bool has_key);
/* All certificates of a store: "MY", "ROOT", "CA" of the computer, "CurrentUser\MY" of the user.
 * ERR_NOT_FOUND where there is no such store; ERR_UNSUPPORTED where there are none at all. */
enum err os_store_read(const char *name, os_store_visit *visit, void *context,
                       struct fault *f) MUST_CHECK;

/* Exactly these permissions, whatever the umask, and that owner (NULL: as it is), of an open
 * file. On Windows the permissions are those that os_file_make gave it. 0 or libuv's code. */
int os_file_access(int fd, int mode, const struct os_owner *owner);
/* The same for a folder. One that is a link is refused. */
int os_dir_access(const char *path, int mode);
/* Has the system symbolic links that anybody may make? Not Windows. */
extern const bool os_has_links;
/* The pipe or socket name for local administration of a data folder. On Windows it is the
 * same for every spelling of an existing folder. */
char *os_control_name(struct arena *a, const char *data_dir);
/* Leaves the control socket or pipe to its owner (mode 0600; on Windows to SYSTEM and
 * Administrators too). To be called between bind and listen; `handle` is uv_fileno's. */
enum err os_control_protect(const char *name, intptr_t handle, struct fault *f) MUST_CHECK;
/* Is the server's end that of our own user, of Administrators or of a service? Anybody may
 * make a pipe of any name: ask before a word is said. A socket's folder answers already. */
bool os_control_is_trusted(intptr_t handle);

#endif
