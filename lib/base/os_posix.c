/* What libuv lacks, on Linux and other POSIX systems. See os.h. */
#define _DEFAULT_SOURCE
#define _GNU_SOURCE
#include "base/os.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

const char os_slash = '/';

/* What root has made in a folder of another user becomes that user's: a service has a
 * user of its own, and must read what an administrator's command wrote for it. */
static void give_to_folder(int fd, const char *path) {
    char folder[PATH_MAX];
    struct stat at;
    int n = (int)(path_base(path) - path);
    if (geteuid() != 0 || fd < 0)
        return;
    snprintf(folder, sizeof folder, "%.*s", n > 0 ? n : 1, n > 0 ? path : ".");
    if (stat(folder, &at) == 0 && at.st_uid != 0 && fchown(fd, at.st_uid, at.st_gid) != 0)
        return; /* a file system without owners: it is root's, as everything there */
}

int os_file_make(const char *path, int mode) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return -errno;
    give_to_folder(fd, path);
    return fd;
}

int os_dir_make(const char *path, int mode) {
    if (mkdir(path, (mode_t)mode) != 0)
        return -errno;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    give_to_folder(fd, path);
    if (fd >= 0)
        close(fd);
    return 0;
}

int os_rename(const char *from, const char *to) {
    return rename(from, to) != 0 ? -errno : 0;
}

bool os_file_is_private(const char *path) {
    struct stat at;
    return stat(path, &at) == 0 && (at.st_mode & 077) == 0;
}

enum err os_dir_sync(const char *path, struct fault *f) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fault_os(f, errno, "open", path);
    int status = fsync(fd), os = errno;
    close(fd);
    return status != 0 ? fault_os(f, os, "fsync", path) : ERR_OK;
}

static enum err map_fd(struct os_map *map, int fd, const char *path, struct fault *f) {
    struct stat at;
    if (fstat(fd, &at) != 0)
        return fault_os(f, errno, "stat", path);
    if ((uint64_t)at.st_size > SIZE_MAX)
        return fault_set(f, ERR_LIMIT, "map", "%s", path);
    if (at.st_size == 0)
        return ERR_OK;
    void *p = mmap(NULL, (size_t)at.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return fault_os(f, errno, "mmap", path);
    *map = (struct os_map){p, (size_t)at.st_size};
    return ERR_OK;
}

enum err os_map_open(struct os_map *map, const char *path, struct fault *f) {
    *map = (struct os_map){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fault_os(f, errno, "open", path);
    enum err code = map_fd(map, fd, path, f);
    close(fd);
    return code;
}

void os_map_close(struct os_map *map) {
    if (map->p != NULL)
        munmap(map->p, map->n);
    *map = (struct os_map){NULL, 0};
}

/* flock goes with the open file, so a lock never outlives its process. */
enum err os_lock_open(struct os_lock *lock, const char *path, struct fault *f) {
    lock->handle = -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return fault_os(f, errno, "open", path);
    give_to_folder(fd, path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int os = errno;
        close(fd);
        return os == EWOULDBLOCK ? fault_set(f, ERR_LOCKED, "lock", "%s", path)
                                 : fault_os(f, os, "lock", path);
    }
    lock->handle = fd;
    return ERR_OK;
}

void os_lock_close(struct os_lock *lock) {
    if (lock->handle >= 0)
        close((int)lock->handle);
    lock->handle = -1;
}

static char *user_place(struct arena *a, const char *variable, const char *below_home,
                        const char *rest) {
    const char *base = getenv(variable), *home = getenv("HOME");
    char path[4096];
    if (base != NULL && base[0] == '/')
        snprintf(path, sizeof path, "%s/%s", base, rest);
    else if (home != NULL && home[0] == '/')
        snprintf(path, sizeof path, "%s/%s/%s", home, below_home, rest);
    else
        return NULL;
    return arena_cstr(a, bytes_text(path));
}

static char *place_of(struct arena *a, enum os_place place, bool system) {
    static const struct {
        const char *system, *variable, *below_home, *rest;
    } places[] = {
        [OS_CONFIG] = {"/etc/clm",            "XDG_CONFIG_HOME", ".config",      "clm"       },
        [OS_AGENT_STATE] = {"/var/lib/clm/agent",  "XDG_STATE_HOME",  ".local/state", "clm/agent" },
        [OS_SERVER_STATE] = {"/var/lib/clm/server", "XDG_STATE_HOME",  ".local/state", "clm/server"},
    };
    if (system)
        return arena_cstr(a, bytes_text(places[place].system));
    return user_place(a, places[place].variable, places[place].below_home, places[place].rest);
}

/* Services run as users of their own without a login's home. */
static bool is_system_user(void) {
    const char *home = getenv("HOME");
    return geteuid() == 0 || home == NULL || strcmp(home, "/") == 0 ||
           strncmp(home, "/var/lib/", 9) == 0 || strcmp(home, "/nonexistent") == 0;
}

char *os_place(struct arena *a, enum os_place place) {
    return place_of(a, place, is_system_user());
}

char *os_place_other(struct arena *a, enum os_place place) {
    return place_of(a, place, !is_system_user());
}

bool os_is_terminal(int fd) {
    return isatty(fd) == 1;
}

bool os_is_ansi(int fd) {
    const char *kind = getenv("TERM");
    return os_is_terminal(fd) && kind != NULL && strcmp(kind, "dumb") != 0;
}

int os_terminal_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

enum err os_read_secret(const char *prompt, struct buf *out, struct fault *f) {
    struct termios before, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        fputs(prompt, stderr);
        silent = before;
        silent.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    char c;
    ssize_t got;
    while ((got = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
        buf_u8(out, (uint8_t)c);
    int os = errno;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (got < 0)
        return fault_os(f, os, "read", "standard input");
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "secret", "too long");
}

char *os_hostname(struct arena *a) {
    char name[256] = "localhost";
    gethostname(name, sizeof name - 1);
    struct addrinfo hints = {.ai_flags = AI_CANONNAME}, *list = NULL;
    char *full = NULL;
    if (strchr(name, '.') == NULL && getaddrinfo(name, NULL, &hints, &list) == 0) {
        if (list->ai_canonname != NULL && strchr(list->ai_canonname, '.') != NULL)
            full = arena_cstr(a, bytes_text(list->ai_canonname));
        freeaddrinfo(list);
    }
    return full != NULL ? full : arena_cstr(a, bytes_text(name));
}

char *os_describe(struct arena *a) {
    struct utsname u;
    char text[256] = "POSIX";
    if (uname(&u) == 0)
        snprintf(text, sizeof text, "%.60s %.60s %.60s", u.sysname, u.release, u.machine);
    return arena_cstr(a, bytes_text(text));
}

size_t os_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1u << 20 ? 1u << 20 : (size_t)limit.rlim_cur;
}

/* Linux takes it for the thread that asks. A refusal (a sandbox) costs nothing but speed. */
void os_thread_lower(void) {
    (void)setpriority(PRIO_PROCESS, 0, 19);
}

bool os_socket_finish(intptr_t handle, struct bytes last) {
    int fd = (int)handle;
    if (last.n > 0 && send(fd, last.p, last.n, MSG_MORE | MSG_NOSIGNAL) != (ssize_t)last.n)
        return false;
    return shutdown(fd, SHUT_WR) == 0;
}

bool os_random(uint8_t *out, size_t n) {
    while (n > 0) {
        ssize_t got = getrandom(out, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        out += got;
        n -= (size_t)got;
    }
    return true;
}

void os_start(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    signal(SIGPIPE, SIG_IGN);
}

char *os_self(struct arena *a) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    return n > 0 && (size_t)n < sizeof path ? arena_cstr(a, bytes_of(path, (size_t)n)) : NULL;
}

enum err os_link(const char *target, const char *path, struct fault *f) {
    if (unlink(path) != 0 && errno != ENOENT)
        return fault_os(f, errno, "replace", path);
    return symlink(target, path) != 0 ? fault_os(f, errno, "link", path) : ERR_OK;
}

char *os_control_name(struct arena *a, const char *data_dir) {
    return path_join(a, data_dir, "control.sock");
}

/* A socket that is bound but does not listen refuses all: the mode is there before anybody
 * can connect. */
enum err os_control_protect(const char *name, intptr_t handle, struct fault *f) {
    (void)handle;
    return chmod(name, 0600) != 0 ? fault_os(f, errno, "chmod", name) : ERR_OK;
}

bool os_control_is_trusted(intptr_t handle) {
    (void)handle;
    return true;
}

/* A leading @ stands for the abstract namespace. */
void os_notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    /* Where nobody takes it, the service goes on all the same. */
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, n);
    close(fd);
}

void os_shell(const char *command, const char *words[OS_SHELL_WORDS]) {
    words[0] = "/bin/sh";
    words[1] = "-c";
    words[2] = command;
    words[3] = NULL;
}

/* Detached means a session, and so a process group, of its own. */
void os_process_kill(int pid) {
    if (pid > 1)
        kill(-pid, SIGKILL);
}

static bool user_of(const char *name, uid_t *out) {
    uint64_t n;
    const struct passwd *user = getpwnam(name);
    if (user != NULL)
        *out = user->pw_uid;
    else if (number_read(bytes_text(name), INT32_MAX, &n))
        *out = (uid_t)n;
    else
        return false;
    return true;
}

static bool group_of(const char *name, gid_t *out) {
    uint64_t n;
    const struct group *group = getgrnam(name);
    if (group != NULL)
        *out = group->gr_gid;
    else if (number_read(bytes_text(name), INT32_MAX, &n))
        *out = (gid_t)n;
    else
        return false;
    return true;
}

enum err os_owner_find(const char *text, struct os_owner *out, struct fault *f) {
    char user[256];
    uid_t uid = 0;
    gid_t gid = 0;
    size_t n = strcspn(text, ":");
    const char *group = text[n] == ':' ? text + n + 1 : NULL;
    if (n >= sizeof user || (n == 0 && !group) || (group && group[0] == '\0'))
        return fault_set(f, ERR_USAGE, "owner", "\"%s\" is none of user, user:group, :group", text);
    memcpy(user, text, n);
    user[n] = '\0';
    if (n > 0 && !user_of(user, &uid))
        return fault_set(f, ERR_USAGE, "owner", "there is no user \"%s\"", user);
    if (group && !group_of(group, &gid))
        return fault_set(f, ERR_USAGE, "owner", "there is no group \"%s\"", group);
    *out = (struct os_owner){n > 0 ? (int64_t)uid : -1, group ? (int64_t)gid : -1};
    return ERR_OK;
}

const bool os_has_owners = true;

void os_owner_names(const char *path, const struct os_owner *owner, char user[OS_NAME_MAX],
                    char group[OS_NAME_MAX]) {
    (void)path;
    const struct passwd *who = owner->user >= 0 ? getpwuid((uid_t)owner->user) : NULL;
    const struct group *whose = owner->group >= 0 ? getgrgid((gid_t)owner->group) : NULL;
    snprintf(user, OS_NAME_MAX, "%s", who != NULL ? who->pw_name : "");
    snprintf(group, OS_NAME_MAX, "%s", whose != NULL ? whose->gr_name : "");
}

const bool os_has_stores = false;

enum err os_store_read(const char *name, os_store_visit *visit, void *context, struct fault *f) {
    (void)visit;
    (void)context;
    return fault_set(f, ERR_UNSUPPORTED, "certificate store", "%s: %s", name,
                     "this system has none");
}

int os_file_access(int fd, int mode, const struct os_owner *owner) {
    uid_t user = owner && owner->user >= 0 ? (uid_t)owner->user : (uid_t)-1;
    gid_t group = owner && owner->group >= 0 ? (gid_t)owner->group : (gid_t)-1;
    if (owner && fchown(fd, user, group) != 0)
        return -errno;
    return fchmod(fd, (mode_t)mode) != 0 ? -errno : 0;
}

int os_dir_access(const char *path, int mode) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int status = os_file_access(fd, mode, NULL);
    close(fd);
    return status;
}

const bool os_has_links = true;
