/* Every way to fail, in one table: name, exit status, HTTP status, text.
 *
 * Callers and tests branch on the code alone; people read the text. Library
 * rooms return a code, and where there is something to say about it they fill
 * a `struct fault`; they never print, exit or abort on input.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Calls are checked as printf's: by C11's rules, where a system has others too. */
#ifdef __MINGW_PRINTF_FORMAT
#define PRINTF_LIKE(text, first) __attribute__((format(__MINGW_PRINTF_FORMAT, text, first)))
#else
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#endif

enum err {
    ERR_OK = 0,
    ERR_FAILED,      /* none of those below */
    ERR_USAGE,       /* the command line, or a value that a person gave */
    ERR_MEMORY,      /* the system gave none */
    ERR_LIMIT,       /* a cap of ours */
    ERR_FORMAT,      /* input that does not parse */
    ERR_DAMAGED,     /* data of ours that no longer holds what was written */
    ERR_UNSUPPORTED, /* well formed, and outside what we can do */
    ERR_IO,          /* reading or writing failed */
    ERR_FULL,        /* no space left */
    ERR_NOT_FOUND,
    ERR_EXISTS,
    ERR_PERMISSION, /* the system, or a role, does not allow it */
    ERR_LOCKED,     /* another run holds the lock */
    ERR_NETWORK,    /* no answer, or none that can be used */
    ERR_TIMEOUT,
    ERR_TLS,         /* the peer is not who it should be, or speaks no TLS that we know */
    ERR_CREDENTIALS, /* not enrolled, or refused */
    ERR_CLOCK,       /* clocks differ too much */
    ERR_CONFLICT,    /* contradicts what is there */
    ERR_BUSY,        /* too many at once: later */
    ERR_UNDELIVERED, /* done, but not yet with the server */
    ERR_FINDING,     /* --fail-on matched */
    ERR_WAITED,      /* --wait ran out */
    ERR_INTERRUPTED, /* SIGINT */
    ERR_TERMINATED,  /* SIGTERM */
    ERR_PASSWORD,    /* of a file: none, or a wrong one */
    ERR_COUNT
};

struct err_row {
    const char *name; /* in JSON and logs: "not_found" */
    int exit_status;  /* of a command that ends with it */
    int http_status;  /* of a response that reports it */
    const char *text; /* for people, no full stop */
};

/* Never NULL, also for a number outside the table. */
const struct err_row *err_row(enum err code);
/* The code for an errno value; ERR_IO where none fits. */
enum err err_from_errno(int os);

enum { FAULT_DETAIL_MAX = 240 };

struct fault {
    enum err code;                 /* branch on this only */
    int os;                        /* errno or GetLastError(), 0 if none */
    const char *what;              /* static text: the field, file or call */
    char detail[FAULT_DETAIL_MAX]; /* foreign text, escaped; "" if none */
};

/* Fills *f (which may be NULL) and returns code: `return fault_set(...)`.
 * The formatted detail is escaped: control bytes never get through. */
enum err fault_set(struct fault *f, enum err code, const char *what, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The same for a failed call that left errno; the code follows from it. */
enum err fault_os(struct fault *f, int os, const char *what, const char *path);

/* "what: detail: text" into out, always terminated, text being the system's where
 * a call failed, and left out behind the detail of ERR_USAGE and ERR_PASSWORD. Returns out. */
const char *fault_text(const struct fault *f, char *out, size_t size);

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
