/* What libuv lacks, on Windows. See os.h. Names are UTF-8 outside, UTF-16 inside. */
#include "base/os.h"
#include "base/file.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h> /* before windows.h: it wants winsock2.h first */

#include <windows.h>
#include <aclapi.h>
#include <bcrypt.h>
#include <fcntl.h>
#include <io.h>
#include <sddl.h>
#include <shellapi.h>
#include <wincrypt.h>

enum { WIDE_PATH_MAX = 4096, RENAME_WAIT_MS = 2000, RENAME_STEP_MS = 10, CONSOLE_BUFFER = 1 << 16 };

/* The console's mode for escape sequences; older headers lack the name. */
enum { ANSI_OUTPUT = 0x0004 };

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

static int uv_error(DWORD error) {
    return uv_translate_sys_error((int)error);
}

static enum err system_fault(struct fault *f, DWORD error, const char *what, const char *path) {
    int status = uv_error(error);
    enum err code = status == UV_EACCES || status == UV_EPERM     ? ERR_PERMISSION
                    : status == UV_ENOENT || status == UV_ENOTDIR ? ERR_NOT_FOUND
                    : status == UV_ENOSPC                         ? ERR_FULL
                                                                  : ERR_IO;
    return fault_set(f, code, what, "%s: %s", path, uv_strerror(status));
}

/* ---- files and folders ---- */

const char os_slash = '\\';

/* Full access (FA) for SYSTEM (SY), Administrators (BA) and whoever owns it (OW);
 * protected (P) from what the folder above would give. OICI: inherited by what is made
 * below. To be freed with LocalFree; NULL: no memory. */
static PSECURITY_DESCRIPTOR private_descriptor(bool is_dir) {
    const wchar_t *text = is_dir ? L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)"
                                 : L"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)";
    PSECURITY_DESCRIPTOR out = NULL;
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &out, NULL))
        return NULL;
    return out;
}

static bool is_private(int mode) {
    return (mode & 077) == 0;
}

/* Open to others as libuv's own files are: shared for all. */
int os_file_make(const char *path, int mode) {
    wchar_t wide[WIDE_PATH_MAX];
    SECURITY_ATTRIBUTES rights = {.nLength = sizeof rights};
    if (!widen(path, wide))
        return UV_ENAMETOOLONG;
    if (is_private(mode) && (rights.lpSecurityDescriptor = private_descriptor(false)) == NULL)
        return UV_ENOMEM;
    HANDLE h = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &rights,
                           CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = GetLastError();
    LocalFree(rights.lpSecurityDescriptor);
    if (h == INVALID_HANDLE_VALUE)
        return error == ERROR_FILE_EXISTS ? UV_EEXIST : uv_error(error);
    int fd = _open_osfhandle((intptr_t)h, _O_RDWR | _O_BINARY);
    if (fd < 0) {
        CloseHandle(h);
        return UV_EMFILE;
    }
    return fd;
}

static DWORD program_data(wchar_t out[WIDE_PATH_MAX]) {
    DWORD n = GetEnvironmentVariableW(L"ProgramData", out, WIDE_PATH_MAX);
    return n < WIDE_PATH_MAX ? n : 0;
}

static bool is_in_program_data(const wchar_t *path) {
    wchar_t full[WIDE_PATH_MAX], base[WIDE_PATH_MAX];
    DWORD n = program_data(base), m = GetFullPathNameW(path, WIDE_PATH_MAX, full, NULL);
    return n > 0 && m > n && m < WIDE_PATH_MAX && _wcsnicmp(full, base, n) == 0 &&
           full[n] == L'\\' && wcschr(full + n + 1, L'\\') == NULL;
}

int os_dir_make(const char *path, int mode) {
    wchar_t wide[WIDE_PATH_MAX];
    SECURITY_ATTRIBUTES rights = {.nLength = sizeof rights};
    if (!widen(path, wide))
        return UV_ENAMETOOLONG;
    if ((is_private(mode) || is_in_program_data(wide)) &&
        (rights.lpSecurityDescriptor = private_descriptor(true)) == NULL)
        return UV_ENOMEM;
    DWORD error = CreateDirectoryW(wide, &rights) ? 0 : GetLastError();
    LocalFree(rights.lpSecurityDescriptor);
    return error == 0 ? 0 : uv_error(error);
}

int os_rename(const char *from, const char *to) {
    wchar_t wide_from[WIDE_PATH_MAX], wide_to[WIDE_PATH_MAX];
    if (!widen(from, wide_from) || !widen(to, wide_to))
        return UV_ENAMETOOLONG;
    DWORD error = 0;
    for (int waited_ms = 0; waited_ms < RENAME_WAIT_MS; waited_ms += RENAME_STEP_MS) {
        if (MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
            return 0;
        error = GetLastError();
        if (error != ERROR_ACCESS_DENIED && error != ERROR_SHARING_VIOLATION)
            break;
        Sleep(RENAME_STEP_MS);
    }
    return uv_error(error);
}

/* NTFS journals its folders, and os_rename writes through: nothing is left to do. */
bool os_file_is_private(const char *path) {
    (void)path;
    return true;
}

enum err os_dir_sync(const char *path, struct fault *f) {
    (void)path;
    (void)f;
    return ERR_OK;
}

static enum err map_handle(struct os_map *map, HANDLE file, const char *path, struct fault *f) {
    LARGE_INTEGER size;
    if (!GetFileSizeEx(file, &size))
        return system_fault(f, GetLastError(), "stat", path);
    if ((uint64_t)size.QuadPart > SIZE_MAX)
        return fault_set(f, ERR_LIMIT, "map", "%s", path);
    if (size.QuadPart == 0)
        return ERR_OK;
    HANDLE view = CreateFileMappingW(file, NULL, PAGE_WRITECOPY, 0, 0, NULL);
    if (view == NULL)
        return system_fault(f, GetLastError(), "map", path);
    void *p = MapViewOfFile(view, FILE_MAP_COPY, 0, 0, 0);
    DWORD error = GetLastError();
    CloseHandle(view); /* the view holds it */
    if (p == NULL)
        return system_fault(f, error, "map", path);
    *map = (struct os_map){p, (size_t)size.QuadPart};
    return ERR_OK;
}

enum err os_map_open(struct os_map *map, const char *path, struct fault *f) {
    wchar_t wide[WIDE_PATH_MAX];
    *map = (struct os_map){NULL, 0};
    if (!widen(path, wide))
        return fault_set(f, ERR_LIMIT, "open", "%s", path);
    HANDLE file =
        CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return system_fault(f, GetLastError(), "open", path);
    enum err code = map_handle(map, file, path, f);
    CloseHandle(file);
    return code;
}

void os_map_close(struct os_map *map) {
    if (map->p != NULL)
        UnmapViewOfFile(map->p);
    *map = (struct os_map){NULL, 0};
}

/* The lock is that nobody else may open the file; it goes with the handle, so it never
 * outlives its process. */
enum err os_lock_open(struct os_lock *lock, const char *path, struct fault *f) {
    wchar_t wide[WIDE_PATH_MAX];
    lock->handle = -1;
    if (!widen(path, wide))
        return fault_set(f, ERR_LIMIT, "lock", "%s", path);
    SECURITY_ATTRIBUTES rights = {.nLength = sizeof rights,
                                  .lpSecurityDescriptor = private_descriptor(false)};
    HANDLE h = CreateFileW(wide, GENERIC_READ | GENERIC_WRITE, 0, &rights, OPEN_ALWAYS,
                           FILE_ATTRIBUTE_NORMAL, NULL);
    DWORD error = GetLastError();
    LocalFree(rights.lpSecurityDescriptor);
    if (h == INVALID_HANDLE_VALUE && error == ERROR_SHARING_VIOLATION)
        return fault_set(f, ERR_LOCKED, "lock", "%s", path);
    if (h == INVALID_HANDLE_VALUE)
        return system_fault(f, error, "lock", path);
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
    static const wchar_t *const names[] = {
        [OS_CONFIG] = L"\\clm\\config",
        [OS_AGENT_STATE] = L"\\clm\\agent",
        [OS_SERVER_STATE] = L"\\clm\\server",
    };
    wchar_t path[WIDE_PATH_MAX + 32];
    DWORD n = program_data(path);
    if (n == 0)
        return NULL;
    wcscpy_s(path + n, 32, names[place]);
    return narrow(a, path);
}

char *os_place_other(struct arena *a, enum os_place place) {
    (void)a;
    (void)place;
    return NULL;
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
    return CopyFileW(from, to, FALSE) ? ERR_OK : system_fault(f, GetLastError(), "copy", path);
}

/* ---- the console ---- */

static HANDLE console_of(int fd) {
    return (HANDLE)_get_osfhandle(fd);
}

bool os_is_terminal(int fd) {
    DWORD mode;
    return GetConsoleMode(console_of(fd), &mode) != 0;
}

bool os_is_ansi(int fd) {
    DWORD mode;
    return GetConsoleMode(console_of(fd), &mode) != 0 && (mode & ANSI_OUTPUT) != 0;
}

int os_terminal_columns(int fd) {
    CONSOLE_SCREEN_BUFFER_INFO info;
    if (!GetConsoleScreenBufferInfo(console_of(fd), &info))
        return 80;
    return info.srWindow.Right - info.srWindow.Left + 1;
}

/* A pipe or file: its bytes are UTF-8. */
static void read_line_of_bytes(HANDLE in, struct buf *out) {
    char c;
    DWORD got = 0;
    while (ReadFile(in, &c, 1, &got, NULL) && got == 1 && c != '\n')
        if (c != '\r')
            buf_u8(out, (uint8_t)c);
}

/* A console: UTF-16, since its bytes are those of some code page. */
static void read_line_of_console(HANDLE in, struct buf *out) {
    wchar_t line[256];
    char text[3 * 256];
    DWORD got = 0;
    bool is_end = false;
    while (!is_end && ReadConsoleW(in, line, 256, &got, NULL) && got > 0) {
        is_end = line[got - 1] == L'\n';
        while (got > 0 && (line[got - 1] == L'\n' || line[got - 1] == L'\r'))
            got--;
        int n = WideCharToMultiByte(CP_UTF8, 0, line, (int)got, text, sizeof text, NULL, NULL);
        buf_put(out, bytes_of(text, n > 0 ? (size_t)n : 0));
    }
    SecureZeroMemory(line, sizeof line);
    SecureZeroMemory(text, sizeof text);
}

enum err os_read_secret(const char *prompt, struct buf *out, struct fault *f) {
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    DWORD before = 0;
    if (GetConsoleMode(in, &before)) {
        SetConsoleMode(in, before & ~(DWORD)ENABLE_ECHO_INPUT);
        fputs(prompt, stderr);
        fflush(stderr);
        read_line_of_console(in, out);
        SetConsoleMode(in, before);
        fputc('\n', stderr);
    } else {
        read_line_of_bytes(in, out);
    }
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "secret", "too long");
}

/* What the console was before; it is its shell's too. Written once by os_start. */
static struct {
    UINT code_page;
    DWORD modes[3];
    bool is_changed[3];
} console;

static void restore_console(void) {
    fflush(stdout);
    fflush(stderr);
    if (console.code_page != 0)
        SetConsoleOutputCP(console.code_page);
    for (int fd = 1; fd <= 2; fd++)
        if (console.is_changed[fd])
            SetConsoleMode(console_of(fd), console.modes[fd]);
}

/* The C runtime writes to a console byte by byte, and a console takes each as a character
 * of its own: only through a buffer does UTF-8 arrive. */
static void prepare_console(void) {
    if (os_is_terminal(1))
        setvbuf(stdout, NULL, _IOFBF, CONSOLE_BUFFER);
    if (os_is_terminal(2))
        setvbuf(stderr, NULL, _IOFBF, CONSOLE_BUFFER);
    console.code_page = GetConsoleOutputCP();
    for (int fd = 1; fd <= 2; fd++)
        console.is_changed[fd] = GetConsoleMode(console_of(fd), &console.modes[fd]) &&
                                 (console.modes[fd] & ANSI_OUTPUT) == 0 &&
                                 SetConsoleMode(console_of(fd), console.modes[fd] | ANSI_OUTPUT);
    atexit(restore_console);
    SetConsoleOutputCP(CP_UTF8);
}

/* Runs in a thread of its own. Ctrl-C does not come here: the C runtime has made SIGINT of
 * it, and forgets the handler, so that a second Ctrl-C ends the process at once. Where the system
 * ends the process as soon as this returns, main is given the time that the system allows (about
 * five seconds). A service sees other people log off. */
static BOOL WINAPI on_console_event(DWORD event) {
    if (event == CTRL_LOGOFF_EVENT)
        return TRUE;
    if (event != CTRL_BREAK_EVENT && event != CTRL_CLOSE_EVENT && event != CTRL_SHUTDOWN_EVENT)
        return FALSE;
    raise(SIGTERM);
    if (event != CTRL_BREAK_EVENT)
        Sleep(INFINITE);
    return TRUE;
}

/* The command line again, in UTF-8: the C runtime's argv is in the code page.
 * Lives as long as the process. */
static void replace_arguments(int *argc, char ***argv) {
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
}

void os_start(int *argc, char ***argv) {
    replace_arguments(argc, argv);
    prepare_console();
    SetConsoleCtrlHandler(on_console_event, TRUE);
    for (int fd = 0; fd <= 2; fd++)
        _setmode(fd, _O_BINARY);
}

/* ---- the host ---- */

char *os_hostname(struct arena *a) {
    wchar_t name[256];
    DWORD n = 256;
    if (!GetComputerNameExW(ComputerNameDnsFullyQualified, name, &n) || n == 0)
        return arena_cstr(a, bytes_text("localhost"));
    for (DWORD i = 0; i < n; i++)
        if (name[i] >= L'A' && name[i] <= L'Z') /* as names of hosts are written elsewhere */
            name[i] = (wchar_t)(name[i] - L'A' + L'a');
    return narrow(a, name);
}

char *os_describe(struct arena *a) {
    uv_utsname_t u;
    char text[256] = "Windows";
    if (uv_os_uname(&u) == 0)
        snprintf(text, sizeof text, "%.100s %.60s %.60s", u.version, u.release, u.machine);
    return arena_cstr(a, bytes_text(text));
}

size_t os_raise_file_limit(void) {
    return 16384; /* sockets are handles: memory is the limit */
}

void os_thread_lower(void) {
    SetThreadPriority(GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN);
}

bool os_socket_finish(intptr_t handle, struct bytes last) {
    SOCKET s = (SOCKET)handle;
    if (last.n > INT_MAX ||
        (last.n > 0 && send(s, (const char *)last.p, (int)last.n, 0) != (int)last.n))
        return false;
    return shutdown(s, SD_SEND) == 0;
}

bool os_random(uint8_t *out, size_t n) {
    return n <= UINT32_MAX &&
           BCryptGenRandom(NULL, out, (ULONG)n, BCRYPT_USE_SYSTEM_PREFERRED_RNG) >= 0;
}

void os_notify(const char *state) {
    (void)state; /* the service control manager is told by other means */
}

/* ---- local administration ---- */

/* A pipe's name knows no folders, and a folder has many spellings. What it is on its volume
 * is one number. Where there is no folder yet, its spelling has to do. */
char *os_control_name(struct arena *a, const char *data_dir) {
    wchar_t wide[WIDE_PATH_MAX];
    char name[96];
    BY_HANDLE_FILE_INFORMATION folder = {0};
    HANDLE h = INVALID_HANDLE_VALUE;
    if (widen(data_dir, wide))
        h = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                        OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    bool is_there = h != INVALID_HANDLE_VALUE && GetFileInformationByHandle(h, &folder);
    if (h != INVALID_HANDLE_VALUE)
        CloseHandle(h);
    if (is_there)
        snprintf(name, sizeof name, "\\\\.\\pipe\\clm-control.%08lx-%08lx%08lx",
                 folder.dwVolumeSerialNumber, folder.nFileIndexHigh, folder.nFileIndexLow);
    else
        snprintf(name, sizeof name, "\\\\.\\pipe\\clm-control.%.64s", path_base(data_dir));
    return arena_cstr(a, bytes_text(name));
}

/* All instances of a pipe share what is set at one. */
enum err os_control_protect(const char *name, intptr_t handle, struct fault *f) {
    BOOL is_present, is_default;
    PACL list;
    PSECURITY_DESCRIPTOR rights = private_descriptor(false);
    if (rights == NULL)
        return fault_set(f, ERR_MEMORY, "control pipe", "%s", name);
    GetSecurityDescriptorDacl(rights, &is_present, &list, &is_default);
    DWORD error = SetSecurityInfo((HANDLE)handle, SE_KERNEL_OBJECT,
                                  DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                                  NULL, NULL, list, NULL);
    LocalFree(rights);
    return error == 0 ? ERR_OK : system_fault(f, error, "control pipe", name);
}

/* Ourselves, or whom things that we make belong to. */
static bool is_own(PSID sid) {
    static const TOKEN_INFORMATION_CLASS kinds[] = {TokenUser, TokenOwner};
    union {
        TOKEN_USER user; /* both begin with the pointer to a SID */
        TOKEN_OWNER owner;
        uint8_t room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } got;
    HANDLE token;
    DWORD n;
    bool is_same = false;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return false;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        is_same = is_same || (GetTokenInformation(token, kinds[i], &got, sizeof got, &n) &&
                              EqualSid(sid, got.owner.Owner));
    CloseHandle(token);
    return is_same;
}

/* S-1-5-80-...: the account of one service, which no person can log on to. */
static bool is_of_service(PSID sid) {
    static const SID_IDENTIFIER_AUTHORITY authority = SECURITY_NT_AUTHORITY;
    return IsWellKnownSid(sid, WinLocalServiceSid) || IsWellKnownSid(sid, WinNetworkServiceSid) ||
           (memcmp(GetSidIdentifierAuthority(sid), &authority, sizeof authority) == 0 &&
            *GetSidSubAuthorityCount(sid) > 0 &&
            *GetSidSubAuthority(sid, 0) == SECURITY_SERVICE_ID_BASE_RID);
}

bool os_control_is_trusted(intptr_t handle) {
    PSID owner = NULL;
    PSECURITY_DESCRIPTOR rights = NULL;
    if (GetSecurityInfo((HANDLE)handle, SE_KERNEL_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                        NULL, NULL, &rights) != 0)
        return false;
    bool is_trusted = owner != NULL && (IsWellKnownSid(owner, WinLocalSystemSid) ||
                                        IsWellKnownSid(owner, WinBuiltinAdministratorsSid) ||
                                        is_own(owner) || is_of_service(owner));
    LocalFree(rights);
    return is_trusted;
}

/* /s takes the outer pair of quotes off and leaves those within alone. */
void os_shell(const char *command, const char *words[OS_SHELL_WORDS]) {
    const char *all[OS_SHELL_WORDS] = {"cmd.exe", "/d", "/s", "/c", "\"", command, "\"", NULL};
    for (size_t i = 0; i < OS_SHELL_WORDS; i++)
        words[i] = all[i];
}

/* What it has started itself goes on: that would need a job object. */
void os_process_kill(int pid) {
    HANDLE process = OpenProcess(PROCESS_TERMINATE, FALSE, (DWORD)pid);
    if (process == NULL)
        return;
    TerminateProcess(process, 1);
    CloseHandle(process);
}

enum err os_owner_find(const char *text, struct os_owner *out, struct fault *f) {
    (void)out;
    return fault_set(f, ERR_UNSUPPORTED, "owner", "%s: files have access lists here", text);
}

const bool os_has_owners = false;

/* "DOMAIN\\name" of the file's owner; Windows knows no group of a file. */
void os_owner_names(const char *path, const struct os_owner *owner, char user[OS_NAME_MAX],
                    char group[OS_NAME_MAX]) {
    wchar_t wide[WIDE_PATH_MAX], name[OS_NAME_MAX], domain[OS_NAME_MAX], both[2 * OS_NAME_MAX];
    DWORD name_n = OS_NAME_MAX, domain_n = OS_NAME_MAX;
    PSECURITY_DESCRIPTOR descriptor = NULL;
    SID_NAME_USE use;
    PSID sid = NULL;
    (void)owner;
    user[0] = group[0] = '\0';
    if (!widen(path, wide) ||
        GetNamedSecurityInfoW(wide, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &sid, NULL, NULL,
                              NULL, &descriptor) != ERROR_SUCCESS)
        return;
    if (sid != NULL && LookupAccountSidW(NULL, sid, name, &name_n, domain, &domain_n, &use)) {
        _snwprintf(both, 2 * OS_NAME_MAX, L"%ls%ls%ls", domain, domain[0] ? L"\\" : L"", name);
        both[2 * OS_NAME_MAX - 1] = L'\0';
        if (WideCharToMultiByte(CP_UTF8, 0, both, -1, user, OS_NAME_MAX, NULL, NULL) == 0)
            user[0] = '\0';
    }
    LocalFree(descriptor);
}

const bool os_has_stores = true;

static bool has_private_key(PCCERT_CONTEXT cert) {
    DWORD n = 0;
    return CertGetCertificateContextProperty(cert, CERT_KEY_PROV_INFO_PROP_ID, NULL, &n) ||
           CertGetCertificateContextProperty(cert, CERT_NCRYPT_KEY_HANDLE_PROP_ID, NULL, &n);
}

enum err os_store_read(const char *name, os_store_visit *visit, void *context, struct fault *f) {
    static const char user[] = "CurrentUser\\";
    bool is_user = strncmp(name, user, sizeof user - 1) == 0;
    DWORD where = is_user ? CERT_SYSTEM_STORE_CURRENT_USER : CERT_SYSTEM_STORE_LOCAL_MACHINE;
    wchar_t wide[WIDE_PATH_MAX];
    if (!widen(is_user ? name + sizeof user - 1 : name, wide))
        return fault_set(f, ERR_NOT_FOUND, "certificate store", "%s", name);
    HCERTSTORE store =
        CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0,
                      where | CERT_STORE_OPEN_EXISTING_FLAG | CERT_STORE_READONLY_FLAG, wide);
    if (store == NULL)
        return system_fault(f, GetLastError(), "certificate store", name);
    PCCERT_CONTEXT cert = NULL;
    while ((cert = CertEnumCertificatesInStore(store, cert)) != NULL) {
        if (!visit(context, bytes_of(cert->pbCertEncoded, cert->cbCertEncoded),
                   has_private_key(cert))) {
            CertFreeCertificateContext(cert);
            break;
        }
    }
    CertCloseStore(store, 0);
    return ERR_OK;
}

int os_file_access(int fd, int mode, const struct os_owner *owner) {
    (void)fd, (void)mode, (void)owner;
    return 0;
}

int os_dir_access(const char *path, int mode) {
    (void)path, (void)mode;
    return 0;
}

const bool os_has_links = false;
