/* Counts what a process changes in files below one folder, and lets one of these changes fail.

Loaded before libc (LD_PRELOAD), so that it also sees what SQLite, FAISS and others write without Python. It does nothing
until `arm` is called; a forked child arms itself, a program that it starts is not armed.

A point is a call that creates, writes, syncs, renames, links, cuts or removes something below the folder. Calls that
follow one another and do the same to one file are one point, files removed from one folder too; of a write-ahead log
only the frames that end a transaction count, since all before them are no part of the database yet. The sync of the
folder itself is called "sync .". Where the power is lost, the process dies and `kept.c` has noted what the disk has.
What a program writes through its C library's streams (numpy.save does) counts where it is handed over. At a point the
machine's clock can be set, too, and the process be stopped until it is told to go on. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* kill -9; ENOSPC from there on; EIO once; power lost; EROFS from there on; clock a year ahead or a day back; SIGSTOP */
enum fault { NONE, KILLED, FULL, BROKEN, LOST, FROZEN, AHEAD, BEHIND, STOPPED };
#define DAY 86400L

void keep_in(const char *folder);
void keep(int handle, const char *path);
void outlive(int folder, const char *name);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char below[PATH_MAX], last[PATH_MAX + 16];
static long armed_for, seen, at, jumped;
static int fault, full, frozen, log_to = -1;

int arm(const char *folder, int which, long number, int log_fd, const char *notes) {
    if (which == LOST) keep_in(notes);
    snprintf(below, sizeof below, "%s/", folder);
    last[0] = 0, seen = 0, full = 0, frozen = 0, jumped = 0;
    at = number, fault = which, log_to = log_fd;
    armed_for = getpid();
    return 0;
}

long disarm(void) {
    armed_for = 0, jumped = 0;
    return seen;
}

static int ours(const char *path) {
    size_t length = strlen(path);
    return !strncmp(path, below, strlen(below)) && !(length > 4 && !strcmp(path + length - 4, "-shm"));
}

static void whole(int folder, const char *path, char *into) { /* a path as it is from / */
    char link[64], base[PATH_MAX];
    if (path[0] == '/') {
        snprintf(into, PATH_MAX, "%s", path);
        return;
    }
    ssize_t got;
    if (folder == AT_FDCWD)
        got = getcwd(base, sizeof base) ? (ssize_t)strlen(base) : 0;
    else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        got = readlink(link, base, sizeof base - 1);
    }
    base[got > 0 ? got : 0] = 0;
    if ((size_t)snprintf(into, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) into[0] = 0;
}

static void of_handle(int handle, char *into) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    ssize_t got = readlink(link, into, PATH_MAX - 1);
    into[got > 0 ? got : 0] = 0;
}

/* What is to become of a call: 0 it is made, an errno it fails, -1 the process dies (half of a write is made before). */
static int verdict(const char *what, const char *path, int grows, int counts, int together) {
    if (armed_for != getpid() || !ours(path)) return 0;
    int kept = errno, answer = 0, stops = 0;
    pthread_mutex_lock(&lock);
    char now[PATH_MAX + 16];
    snprintf(now, sizeof now, "%s %s", what, path);
    if (together == 2) *strrchr(now, '/') = 0; /* what is removed from one folder */
    if (counts && !(together && !strcmp(now, last))) {
        strcpy(last, now);
        seen++;
        if (log_to >= 0) dprintf(log_to, "%s %s\n", what, path + strlen(below));
        if (seen == at && (fault == KILLED || fault == LOST)) answer = -1;
        if (seen == at && fault == BROKEN) answer = EIO;
        if (seen == at && fault == FULL) full = 1;
        if (seen == at && fault == FROZEN) frozen = 1;
        if (seen == at && fault == AHEAD) jumped = 365 * DAY;
        if (seen == at && fault == BEHIND) jumped = -DAY;
        stops = seen == at && fault == STOPPED;
    }
    if (full && grows) answer = ENOSPC;
    if (frozen) answer = EROFS;
    pthread_mutex_unlock(&lock);
    if (stops) kill(getpid(), SIGSTOP);
    errno = kept;
    return answer;
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)
#define UNLESS(answer) int no = (answer); if (no < 0) die(); if (no > 0) { errno = no; return -1; }

static int ends_transaction(const char *path, const unsigned char *bytes, size_t length, int *counts) {
    size_t n = strlen(path);
    int log = n > 4 && !strcmp(path + n - 4, "-wal");
    *counts = !log || (length == 24 && (bytes[4] | bytes[5] | bytes[6] | bytes[7]));
    return log;
}

static int kept(int handle) { /* whether power is lost in this run, so that a sync is noted and not made */
    char path[PATH_MAX];
    if (armed_for != getpid() || fault != LOST) return 0;
    of_handle(handle, path);
    if (!strncmp(path, below, strlen(below) - 1)) keep(handle, path);
    return 1;
}

static void stays(int folder, const char *name) {
    if (armed_for == getpid() && fault == LOST) outlive(folder, name);
}

static ssize_t written(int handle, const void *bytes, size_t length, off_t place, int placed) {
    char path[PATH_MAX];
    int counts = 0, no = 0;
    if (armed_for == getpid()) {
        of_handle(handle, path);
        int log = ends_transaction(path, bytes, length, &counts);
        no = verdict("write", path, 1, counts, !log);
    }
    if (no > 0) {
        errno = no;
        return -1;
    }
    size_t made = no < 0 ? length / 2 : length;
    ssize_t done;
    if (placed) {
        REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t);
        done = real(handle, bytes, made, place);
    } else {
        REAL(ssize_t, "write", int, const void *, size_t);
        done = real(handle, bytes, made);
    }
    if (no < 0) die();
    if (armed_for == getpid() && fault == LOST && fcntl(handle, F_GETFL) & O_DSYNC) kept(handle);
    return done;
}

ssize_t write(int handle, const void *bytes, size_t length) { return written(handle, bytes, length, 0, 0); }
ssize_t pwrite(int handle, const void *bytes, size_t length, off_t place) { return written(handle, bytes, length, place, 1); }
ssize_t pwrite64(int handle, const void *bytes, size_t length, off_t place) { return written(handle, bytes, length, place, 1); }

static int by_handle(const char *what, int handle, int grows, int together) {
    char path[PATH_MAX + 2];
    if (armed_for != getpid()) return 0;
    of_handle(handle, path);
    if (!strncmp(path, below, strlen(below) - 1) && !path[strlen(below) - 1]) strcat(path, "/.");
    return verdict(what, path, grows, 1, together);
}

ssize_t writev(int handle, const struct iovec *parts, int count) {
    UNLESS(by_handle("write", handle, 1, 1));
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    return real(handle, parts, count);
}

ssize_t sendfile(int to, int from, off_t *place, size_t length) {
    UNLESS(by_handle("write", to, 1, 1));
    REAL(ssize_t, "sendfile", int, int, off_t *, size_t);
    return real(to, from, place, length);
}

ssize_t sendfile64(int to, int from, off_t *place, size_t length) { return sendfile(to, from, place, length); }

ssize_t copy_file_range(int from, off64_t *a, int to, off64_t *b, size_t length, unsigned flags) {
    UNLESS(by_handle("write", to, 1, 1));
    REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
    return real(from, a, to, b, length, flags);
}

ssize_t pwritev(int handle, const struct iovec *parts, int count, off_t place) {
    UNLESS(by_handle("write", handle, 1, 1));
    REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off_t);
    return real(handle, parts, count, place);
}

size_t fwrite(const void *bytes, size_t size, size_t many, FILE *file) { /* half of it is on its way where it dies */
    REAL(size_t, "fwrite", const void *, size_t, size_t, FILE *);
    int no = by_handle("write", fileno(file), 1, 1);
    if (no > 0) {
        errno = no;
        return 0;
    }
    size_t done = real(bytes, size, no < 0 ? many / 2 : many, file);
    if (no < 0) {
        fflush(file);
        die();
    }
    return done;
}

int posix_fallocate(int handle, off_t place, off_t length) {
    int no = by_handle("write", handle, 1, 1);
    if (no < 0) die();
    REAL(int, "posix_fallocate64", int, off_t, off_t);
    return no ? no : real(handle, place, length);
}

int posix_fallocate64(int handle, off_t place, off_t length) { return posix_fallocate(handle, place, length); }

int fsync(int handle) {
    UNLESS(by_handle("sync", handle, 1, 1));
    if (kept(handle)) return 0;
    REAL(int, "fsync", int);
    return real(handle);
}

int fdatasync(int handle) {
    UNLESS(by_handle("sync", handle, 1, 1));
    if (kept(handle)) return 0;
    REAL(int, "fdatasync", int);
    return real(handle);
}

int ftruncate(int handle, off_t length) {
    UNLESS(by_handle("cut", handle, 0, 1));
    REAL(int, "ftruncate64", int, off_t);
    return real(handle, length);
}

int ftruncate64(int handle, off_t length) { return ftruncate(handle, length); }

static int by_path(const char *what, int folder, const char *name, int grows, int together) {
    char path[PATH_MAX];
    if (armed_for != getpid()) return 0;
    whole(folder, name, path);
    return verdict(what, path, grows, 1, together);
}

int rename(const char *old, const char *new) {
    UNLESS(by_path("rename", AT_FDCWD, new, 0, 0));
    stays(AT_FDCWD, new);
    REAL(int, "rename", const char *, const char *);
    return real(old, new);
}

int renameat(int a, const char *old, int b, const char *new) {
    UNLESS(by_path("rename", b, new, 0, 0));
    stays(b, new);
    REAL(int, "renameat", int, const char *, int, const char *);
    return real(a, old, b, new);
}

int linkat(int a, const char *old, int b, const char *new, int flags) {
    UNLESS(by_path("link", b, new, 1, 0));
    REAL(int, "linkat", int, const char *, int, const char *, int);
    return real(a, old, b, new, flags);
}

int link(const char *old, const char *new) {
    UNLESS(by_path("link", AT_FDCWD, new, 1, 0));
    REAL(int, "link", const char *, const char *);
    return real(old, new);
}

int unlink(const char *name) {
    UNLESS(by_path("remove", AT_FDCWD, name, 0, 2));
    stays(AT_FDCWD, name);
    REAL(int, "unlink", const char *);
    return real(name);
}

int unlinkat(int folder, const char *name, int flags) {
    UNLESS(by_path("remove", folder, name, 0, 2));
    stays(folder, name);
    REAL(int, "unlinkat", int, const char *, int);
    return real(folder, name, flags);
}

int rmdir(const char *name) {
    UNLESS(by_path("remove", AT_FDCWD, name, 0, 2));
    stays(AT_FDCWD, name);
    REAL(int, "rmdir", const char *);
    return real(name);
}

int symlink(const char *to, const char *name) {
    UNLESS(by_path("link", AT_FDCWD, name, 1, 0));
    REAL(int, "symlink", const char *, const char *);
    return real(to, name);
}

int truncate(const char *name, off_t length) {
    UNLESS(by_path("cut", AT_FDCWD, name, 0, 0));
    REAL(int, "truncate64", const char *, off_t);
    return real(name, length);
}

int truncate64(const char *name, off_t length) { return truncate(name, length); }

static int refused(int folder, const char *name) { /* what changes no byte, and still cannot be where nothing can */
    char path[PATH_MAX];
    if (armed_for != getpid() || !frozen) return 0;
    whole(folder, name, path);
    return strncmp(path, below, strlen(below)) ? 0 : EROFS;
}

int chmod(const char *name, mode_t mode) {
    UNLESS(refused(AT_FDCWD, name));
    REAL(int, "chmod", const char *, mode_t);
    return real(name, mode);
}

int utimensat(int folder, const char *name, const struct timespec times[2], int flags) {
    UNLESS(refused(folder, name));
    REAL(int, "utimensat", int, const char *, const struct timespec *, int);
    return real(folder, name, times, flags);
}

int mkdirat(int folder, const char *name, mode_t mode) {
    struct stat there;
    if (armed_for == getpid() && fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW)) {
        UNLESS(by_path("mkdir", folder, name, 1, 0));
    }
    REAL(int, "mkdirat", int, const char *, mode_t);
    return real(folder, name, mode);
}

int mkdir(const char *name, mode_t mode) {
    struct stat there;
    if (armed_for == getpid() && lstat(name, &there)) {
        UNLESS(by_path("mkdir", AT_FDCWD, name, 1, 0));
    }
    REAL(int, "mkdir", const char *, mode_t);
    return real(name, mode);
}

static int created(int folder, const char *name, int flags) { /* or emptied */
    struct stat there;
    int kept = errno, changes;
    if (armed_for != getpid()) return 0;
    if ((flags & O_ACCMODE) != O_RDONLY && !fstatat(folder, name, &there, 0) && S_ISREG(there.st_mode)) {
        int no = refused(folder, name);
        errno = kept;
        if (no) return no;
    }
    if (!(flags & (O_CREAT | O_TRUNC))) return 0;
    changes = fstatat(folder, name, &there, 0) ? (flags & O_CREAT) != 0 : (flags & O_TRUNC) && there.st_size;
    errno = kept;
    return changes ? by_path("create", folder, name, 1, 0) : 0;
}

#define MODE mode_t mode = 0; if (flags & O_CREAT) { va_list more; va_start(more, flags); mode = va_arg(more, int); va_end(more); }

int open64(const char *name, int flags, ...) {
    MODE
    UNLESS(created(AT_FDCWD, name, flags));
    REAL(int, "open64", const char *, int, ...);
    return real(name, flags, mode);
}

int open(const char *name, int flags, ...) {
    MODE
    return open64(name, flags, mode);
}

int openat64(int folder, const char *name, int flags, ...) {
    MODE
    UNLESS(created(folder, name, flags));
    REAL(int, "openat64", int, const char *, int, ...);
    return real(folder, name, flags, mode);
}

int openat(int folder, const char *name, int flags, ...) {
    MODE
    return openat64(folder, name, flags, mode);
}

FILE *fopen64(const char *name, const char *mode) {
    static FILE *(*real)(const char *, const char *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "fopen64");
    int how = strchr(mode, 'w') ? O_CREAT | O_TRUNC | O_WRONLY : strchr(mode, 'a') ? O_CREAT | O_WRONLY : O_RDWR;
    int no = *mode != 'r' || strchr(mode, '+') ? created(AT_FDCWD, name, how) : 0;
    if (no < 0) die();
    if (no > 0) {
        errno = no;
        return NULL;
    }
    return real(name, mode);
}

FILE *fopen(const char *name, const char *mode) { return fopen64(name, mode); }

int clock_gettime(clockid_t which, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int no = real(which, now);
    if (!no && armed_for == getpid() && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += jumped;
    return no;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    REAL(int, "gettimeofday", struct timeval *, void *);
    int no = real(now, zone);
    if (!no && armed_for == getpid()) now->tv_sec += jumped;
    return no;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
