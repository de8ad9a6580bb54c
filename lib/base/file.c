/* Files on libuv's synchronous calls. See file.h. */
#include "base/file.h"
#include "base/os.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { READ_CHUNK = 65536, PATH_LIMIT = 4096, FOLDER_ABOVE = 0755 };

/* libuv's codes are -errno on POSIX and numbers of its own on Windows. */
enum err file_fault(struct fault *f, int status, const char *what, const char *path) {
    static const struct {
        int uv, os;
    } map[] = {
        {UV_ENOENT,  ENOENT },
        {UV_EEXIST,  EEXIST },
        {UV_EACCES,  EACCES },
        {UV_EPERM,   EPERM  },
        {UV_ENOSPC,  ENOSPC },
        {UV_EROFS,   EROFS  },
        {UV_ENOMEM,  ENOMEM },
        {UV_EISDIR,  EISDIR },
        {UV_EMFILE,  EMFILE },
        {UV_ENOTDIR, ENOTDIR},
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].uv == status)
            return fault_os(f, map[i].os, what, path);
    return fault_set(f, ERR_IO, what, "%s: %s", path, uv_strerror(status));
}

static int open_fd(const char *path, int flags, int mode) {
    uv_fs_t req;
    int fd = uv_fs_open(NULL, &req, path, flags, mode, NULL);
    uv_fs_req_cleanup(&req);
    return fd;
}

static void close_fd(int fd) {
    uv_fs_t req;
    uv_fs_close(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
}

static int sync_fd(int fd) {
    uv_fs_t req;
    int status = uv_fs_fsync(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
    return status;
}

/* -1 as `at` means the current position. */
static int read_some(int fd, uint8_t *out, size_t n, int64_t at) {
    uv_fs_t req;
    uv_buf_t part = uv_buf_init((char *)out, (unsigned)n);
    int got = uv_fs_read(NULL, &req, fd, &part, 1, at, NULL);
    uv_fs_req_cleanup(&req);
    return got;
}

static int write_all(int fd, struct bytes b, int64_t at) {
    while (b.n > 0) {
        uv_fs_t req;
        size_t n = b.n < (1u << 30) ? b.n : 1u << 30;
        uv_buf_t part = uv_buf_init((char *)(uintptr_t)b.p, (unsigned)n);
        int put = uv_fs_write(NULL, &req, fd, &part, 1, at, NULL);
        uv_fs_req_cleanup(&req);
        if (put == UV_EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? put : UV_EIO;
        b = bytes_part(b, (size_t)put, b.n);
        at = at < 0 ? at : at + put;
    }
    return 0;
}

enum err file_read(const char *path, struct buf *out, struct fault *f) {
    int fd = open_fd(path, UV_FS_O_RDONLY, 0);
    if (fd < 0)
        return file_fault(f, fd, "open", path);
    int got = 1;
    while (got > 0 || got == UV_EINTR) {
        size_t room = buf_room(out, READ_CHUNK);
        uint8_t past;
        uint8_t *at = room > 0 ? buf_reserve(out, room) : &past;
        if (at == NULL)
            break;
        got = read_some(fd, at, room > 0 ? room : 1, -1);
        if (got > 0 && room == 0)
            out->err = ERR_LIMIT;
        else if (got > 0)
            buf_commit(out, (size_t)got);
        if (out->err != ERR_OK)
            break;
    }
    close_fd(fd);
    if (got < 0)
        return file_fault(f, got, "read", path);
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "read", "%s", path);
}

struct access {
    int mode;
    bool is_exact; /* also against the umask */
    const struct os_owner *owner;
};

static int write_new(const char *path, struct bytes content, const struct access *access) {
    int fd = os_file_make(path, access->mode);
    if (fd < 0)
        return fd;
    int status = access->is_exact ? os_file_access(fd, access->mode, access->owner) : 0;
    if (status == 0)
        status = write_all(fd, content, -1);
    if (status == 0)
        status = sync_fd(fd);
    close_fd(fd);
    return status;
}

static enum err sync_folder_of(const char *path, struct fault *f) {
    char folder[PATH_LIMIT];
    size_t n = (size_t)(path_base(path) - path);
    snprintf(folder, sizeof folder, "%.*s", (int)n, path);
    return os_dir_sync(n > 0 ? folder : ".", f);
}

static void forget(const char *path) {
    uv_fs_t req;
    uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
}

/* A name beside `path` that nobody else uses. False: too long. */
static bool name_beside(const char *path, char out[PATH_LIMIT]) {
    uint8_t salt[4] = {0};
    os_random(salt, sizeof salt);
    int n = snprintf(out, PATH_LIMIT, "%s.%02x%02x%02x%02x.new", path, salt[0], salt[1], salt[2],
                     salt[3]);
    return n >= 0 && n < PATH_LIMIT;
}

static enum err replace(const char *path, struct bytes content, const struct access *access,
                        struct fault *f) {
    char temporary[PATH_LIMIT];
    if (!name_beside(path, temporary))
        return fault_set(f, ERR_LIMIT, "path", "%s", path);
    int status = write_new(temporary, content, access);
    if (status == 0)
        status = os_rename(temporary, path);
    if (status < 0) {
        forget(temporary);
        return file_fault(f, status, "write", path);
    }
    return sync_folder_of(path, f);
}

enum err file_replace(const char *path, struct bytes content, int mode, struct fault *f) {
    return replace(path, content, &(struct access){.mode = mode}, f);
}

enum err file_replace_as(const char *path, struct bytes content, int mode,
                         const struct os_owner *owner, struct fault *f) {
    return replace(path, content, &(struct access){mode, true, owner}, f);
}

enum err file_link(const char *target, const char *path, struct fault *f) {
    char temporary[PATH_LIMIT];
    uv_fs_t req;
    if (!os_has_links)
        return fault_set(f, ERR_UNSUPPORTED, "link", "%s", path);
    if (!name_beside(path, temporary))
        return fault_set(f, ERR_LIMIT, "path", "%s", path);
    int status = uv_fs_symlink(NULL, &req, target, temporary, 0, NULL);
    uv_fs_req_cleanup(&req);
    if (status == 0 && (status = os_rename(temporary, path)) < 0)
        forget(temporary);
    return status < 0 ? file_fault(f, status, "link", path) : sync_folder_of(path, f);
}

char *file_link_read(struct arena *a, const char *path) {
    uv_fs_t req;
    int status = uv_fs_readlink(NULL, &req, path, NULL);
    char *target = status == 0 ? arena_cstr(a, bytes_text(req.ptr)) : NULL;
    uv_fs_req_cleanup(&req);
    return target;
}

enum err file_name_again(const char *path, const char *name, struct fault *f) {
    uv_fs_t req;
    int status = uv_fs_link(NULL, &req, path, name, NULL);
    uv_fs_req_cleanup(&req);
    return status < 0 ? file_fault(f, status, "link", name) : sync_folder_of(name, f);
}

static bool is_slash(char c) {
    return c == '/' || c == '\\';
}

enum err dir_make(const char *path, int mode, struct fault *f) {
    char part[PATH_LIMIT];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return fault_set(f, ERR_LIMIT, "path", "%s", path);
    memcpy(part, path, n + 1);
    int status = 0;
    for (size_t i = 1; i <= n; i++) {
        if (i < n && !is_slash(part[i]))
            continue;
        char keep = part[i];
        part[i] = '\0';
        if (!is_slash(part[i - 1]) && part[i - 1] != ':')
            status = os_dir_make(part, i == n ? mode : FOLDER_ABOVE);
        part[i] = keep;
    }
    if (status < 0 && !(status == UV_EEXIST && file_exists(path)))
        return file_fault(f, status, "mkdir", path);
    return ERR_OK;
}

enum err dir_make_as(const char *path, int mode, struct fault *f) {
    int status = os_dir_make(path, mode);
    if (status == 0 || status == UV_EEXIST)
        status = os_dir_access(path, mode);
    return status < 0 ? file_fault(f, status, "mkdir", path) : sync_folder_of(path, f);
}

enum err file_remove(const char *path, struct fault *f) {
    uv_fs_t req;
    int status = uv_fs_unlink(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    return status < 0 && status != UV_ENOENT ? file_fault(f, status, "remove", path) : ERR_OK;
}

enum err dir_remove(const char *path, struct fault *f) {
    uv_fs_t req;
    int status = uv_fs_rmdir(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    return status < 0 && status != UV_ENOENT ? file_fault(f, status, "rmdir", path) : ERR_OK;
}

bool file_exists(const char *path) {
    uv_fs_t req;
    int status = uv_fs_stat(NULL, &req, path, NULL);
    uv_fs_req_cleanup(&req);
    return status == 0;
}

/* uv_fs_scandir sorts by name (strcmp) on its own. */
enum err dir_list(const char *path, dir_visit *visit, void *context, struct fault *f) {
    uv_fs_t req;
    uv_dirent_t entry;
    int n = uv_fs_scandir(NULL, &req, path, 0, NULL);
    bool go_on = n >= 0;
    while (go_on && uv_fs_scandir_next(&req, &entry) != UV_EOF)
        go_on = visit(context, entry.name, entry.type == UV_DIRENT_DIR);
    uv_fs_req_cleanup(&req);
    return n < 0 ? file_fault(f, n, "list", path) : ERR_OK;
}

char *path_join(struct arena *a, const char *dir, const char *name) {
    size_t n = strlen(dir), m = strlen(name);
    int slash = n > 0 && !is_slash(dir[n - 1]);
    char *out = arena_alloc(a, n + m + 2);
    if (out != NULL)
        snprintf(out, n + m + 2, "%s%.*s%s", dir, slash, &os_slash, name);
    return out;
}

char *path_full(struct arena *a, const char *path) {
    uv_fs_t req;
    int status = uv_fs_realpath(NULL, &req, path, NULL);
    char *full = status == 0 ? arena_cstr(a, bytes_text(req.ptr)) : NULL;
    uv_fs_req_cleanup(&req);
    return full;
}

const char *path_base(const char *path) {
    const char *base = path;
    for (const char *p = path; *p != '\0'; p++)
        if (is_slash(*p))
            base = p + 1;
    return base;
}

enum err file_open(struct file *file, const char *path, enum file_how how, struct fault *f) {
    file->fd = open_fd(path, how == FILE_READ ? UV_FS_O_RDONLY : UV_FS_O_RDWR, 0);
    if (file->fd == UV_ENOENT && how == FILE_APPEND)
        file->fd = os_file_make(path, 0600);
    if (file->fd == UV_EEXIST) /* somebody made it just now */
        file->fd = open_fd(path, UV_FS_O_RDWR, 0);
    if (file->fd >= 0)
        return ERR_OK;
    int status = file->fd;
    file->fd = -1;
    return file_fault(f, status, "open", path);
}

void file_close(struct file *file) {
    if (file->fd >= 0)
        close_fd(file->fd);
    file->fd = -1;
}

enum err file_size(const struct file *file, uint64_t *size, struct fault *f) {
    uv_fs_t req;
    int status = uv_fs_fstat(NULL, &req, file->fd, NULL);
    if (status == 0)
        *size = req.statbuf.st_size;
    uv_fs_req_cleanup(&req);
    return status < 0 ? file_fault(f, status, "stat", "") : ERR_OK;
}

enum err file_read_at(const struct file *file, uint64_t at, uint8_t *out, size_t n,
                      struct fault *f) {
    while (n > 0) {
        int got = read_some(file->fd, out, n < (1u << 30) ? n : 1u << 30, (int64_t)at);
        if (got == UV_EINTR)
            continue;
        if (got < 0)
            return file_fault(f, got, "read", "");
        if (got == 0)
            return fault_set(f, ERR_DAMAGED, "read", "the file ends at byte %llu",
                             (unsigned long long)at);
        out += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

enum err file_write_at(const struct file *file, uint64_t at, struct bytes b, struct fault *f) {
    int status = write_all(file->fd, b, (int64_t)at);
    return status < 0 ? file_fault(f, status, "write", "") : ERR_OK;
}

enum err file_sync(const struct file *file, struct fault *f) {
    int status = sync_fd(file->fd);
    return status < 0 ? file_fault(f, status, "fsync", "") : ERR_OK;
}

enum err file_truncate(const struct file *file, uint64_t size, struct fault *f) {
    uv_fs_t req;
    int status = uv_fs_ftruncate(NULL, &req, file->fd, (int64_t)size, NULL);
    uv_fs_req_cleanup(&req);
    return status < 0 ? file_fault(f, status, "truncate", "") : ERR_OK;
}
