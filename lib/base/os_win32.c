/* What libuv lacks, on Windows. See os.h. Names are UTF-8 outside, UTF-16 inside. */
#include "base/os.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* winsock2.h has to stand before windows.h */
#include <winsock2.h>
#include <windows.h>
#include <bcrypt.h>
#include <fcntl.h>
#include <io.h>
#include <shellapi.h>

enum { WIDE_PATH_MAX = 4096 };

static bool widen(const char *path, wchar_t out[WIDE_PATH_MAX]) {
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, WIDE_PATH_MAX) > 0;
}

static char *narrow(struct arena *a, const wchar_t *text) {
    int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *out = n > 0 ? arena_alloc(a, (size_t)n) : NULL;
    if (out != NULL)
        WideCharToMultiByte(CP_UTF8, 0, text, -1, out, n, NULL, NULL);
    return out;
}

/* NTFS journals its folders: a rename with MoveFileEx is durable with the
 * file's own flush. */
enum err os_dir_sync(const char *path, struct fault *f) {
    (void)path;
    (void)f;
    return ERR_OK;
}

enum err os_lock_open(struct os_lock *lock, const char *path, struct fault *f) {
    wchar_t wide[WIDE_PATH_MAX];
    lock->handle = -1;
    if (!widen(path, wide))
        return fault_set(f, ERR_LIMIT, "lock", "%s", path);
    HANDLE h = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS,
                           FILE_ATTRIBUTE_NORMAL, NULL);
    if (h == INVALID_HANDLE_VALUE && GetLastError() == ERROR_SHARING_VIOLATION)
        return fault_set(f, ERR_LOCKED, "lock", "%s", path);
    if (h == INVALID_HANDLE_VALUE)
        return fault_set(f, ERR_IO, "lock", "%s: system error %lu", path, GetLastError());
    lock->handle = (intptr_t)h;
    return ERR_OK;
}

void os_lock_close(struct os_lock *lock) {
    if (lock->handle != -1)
        CloseHandle((HANDLE)lock->handle);
    lock->handle = -1;
}

/* Everything lies below %ProgramData%\clm, whoever calls. */
char *os_place(struct arena *a, enum os_place place) {
    static const char *const names[] = {
        [OS_CONFIG] = "clm/config",
        [OS_AGENT_STATE] = "clm/agent",
        [OS_SERVER_STATE] = "clm/server",
    };
    wchar_t base[WIDE_PATH_MAX];
    DWORD n = GetEnvironmentVariableW(L"ProgramData", base, WIDE_PATH_MAX);
    char *root = n > 0 && n < WIDE_PATH_MAX ? narrow(a, base) : NULL;
    return path_join(a, root != NULL ? root : "C:/ProgramData", names[place]);
}

char *os_place_other(struct arena *a, enum os_place place) {
    (void)a;
    (void)place;
    return NULL;
}

bool os_is_terminal(int fd) {
    DWORD mode;
    return GetConsoleMode((HANDLE)_get_osfhandle(fd), &mode) != 0;
}

int os_terminal_columns(int fd) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    if (!GetConsoleScreenBufferInfo((HANDLE)_get_osfhandle(fd), &info))
        return 80;
    return info.srWindow.Right - info.srWindow.Left + 1;
}

enum err os_read_secret(const char *prompt, struct buf *out, struct fault *f) {
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    DWORD before = 0;
    bool terminal = GetConsoleMode(in, &before) != 0;
    if (terminal) {
        fputs(prompt, stderr);
        SetConsoleMode(in, before & ~(DWORD)ENABLE_ECHO_INPUT);
    }
    char c;
    DWORD got = 0;
    while (ReadFile(in, &c, 1, &got, NULL) && got == 1 && c != '\n')
        if (c != '\r')
            buf_u8(out, (uint8_t)c);
    if (terminal) {
        SetConsoleMode(in, before);
        fputc('\n', stderr);
    }
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "secret", "too long");
}

char *os_hostname(struct arena *a) {
    wchar_t name[256];
    DWORD n = 256;
    if (!GetComputerNameExW(ComputerNameDnsFullyQualified, name, &n) || n == 0)
        return arena_cstr(a, bytes_text("localhost"));
    return narrow(a, name);
}

char *os_describe(struct arena *a) {
    return arena_cstr(a, bytes_text("Windows x86_64"));
}

size_t os_raise_file_limit(void) {
    return 16384; /* sockets are handles: memory is the limit */
}

bool os_random(uint8_t *out, size_t n) {
    return n <= UINT32_MAX &&
           BCryptGenRandom(NULL, out, (ULONG)n, BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0;
}

/* The command line again, in UTF-8: the C runtime's argv is in the code page.
 * Lives as long as the process. */
void os_start(int *argc, char ***argv) {
    static struct arena words;
    arena_init(&words, 1u << 20);
    int n = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &n);
    char **out = wide != NULL ? arena_array(&words, (size_t)n + 1, sizeof *out) : NULL;
    for (int i = 0; out != NULL && i < n; i++)
        if ((out[i] = narrow(&words, wide[i])) == NULL)
            out = NULL;
    if (wide != NULL)
        LocalFree(wide);
    if (out != NULL) {
        *argc = n;
        *argv = out;
    }
    SetConsoleOutputCP(CP_UTF8);
    _setmode(_fileno(stdout), _O_BINARY);
    _setmode(_fileno(stdin), _O_BINARY);
}

char *os_self(struct arena *a) {
    wchar_t path[WIDE_PATH_MAX];
    DWORD n = GetModuleFileNameW(NULL, path, WIDE_PATH_MAX);
    return n > 0 && n < WIDE_PATH_MAX ? narrow(a, path) : NULL;
}

enum err os_link(const char *target, const char *path, struct fault *f) {
    wchar_t from[WIDE_PATH_MAX], to[WIDE_PATH_MAX];
    if (!widen(target, from) || !widen(path, to))
        return fault_set(f, ERR_LIMIT, "copy", "%s", path);
    if (!CopyFileW(from, to, FALSE))
        return fault_set(f, ERR_IO, "copy", "%s: system error %lu", path, GetLastError());
    return ERR_OK;
}

/* A pipe's name cannot hold slashes; the folder's name is spelled with dots. */
char *os_control_name(struct arena *a, const char *data_dir) {
    char *name = path_join(a, "\\\\.\\pipe\\clm-control.", data_dir);
    for (char *p = name != NULL ? name + 9 : NULL; p != NULL && *p != '\0'; p++)
        if (*p == '/' || *p == '\\' || *p == ':')
            *p = '.';
    return name;
}

void os_notify(const char *state) {
    (void)state; /* the service control manager is told by other means */
}
