/* Notes what a disk would still have of one folder if the power failed: at each sync what was synced, as it is then.

`kept.py` reads the notes and makes the folder as the disk would have it. What a sync asks for is noted in place of being
done, so that this is as quick as a run without it.

- The sync of a file keeps its bytes, and its name: ext4, XFS and Btrfs do so, whatever it was called before.
- The sync of a folder keeps the names in it as they are then: those that came, went and changed since.
- Nothing else is kept. sync() and syncfs(), which nothing here calls, keep nothing.

A file that is removed stays open here, so that none that is made later has its inode number. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;
static char notes_in[PATH_MAX];
static int notes = -1;
static long copies;

void keep_in(const char *folder) { /* an empty one, for the notes and for copies of files */
    char path[PATH_MAX + 8];
    snprintf(notes_in, sizeof notes_in, "%s", folder);
    snprintf(path, sizeof path, "%s/notes", folder);
    notes = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    copies = 0;
}

static long copy_of(int handle) { /* its number, 0 where it cannot be read. Never opened anew: that would drop locks */
    char path[PATH_MAX + 24], link[64];
    static char bytes[1 << 16];
    int reads = (fcntl(handle, F_GETFL) & O_ACCMODE) != O_WRONLY, from = handle;
    if (!reads) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
        from = open(link, O_RDONLY | O_CLOEXEC);
    }
    snprintf(path, sizeof path, "%s/%ld", notes_in, ++copies);
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t at = 0;
    for (ssize_t got; (got = pread(from, bytes, sizeof bytes, at)) > 0; at += got)
        if (pwrite(to, bytes, got, at) != got) abort();
    close(to);
    if (!reads) close(from);
    return copies;
}

static void note_folder(const char *path, const struct stat *about) {
    DIR *opened = opendir(path);
    if (!opened) return;
    dprintf(notes, "folder%c%lu%c", 0, (unsigned long)about->st_ino, 0);
    for (struct dirent *one; (one = readdir(opened));) {
        struct stat found;
        char target[PATH_MAX] = "";
        if (!strcmp(one->d_name, ".") || !strcmp(one->d_name, "..")) continue;
        if (fstatat(dirfd(opened), one->d_name, &found, AT_SYMLINK_NOFOLLOW)) continue;
        if (S_ISLNK(found.st_mode)) {
            ssize_t got = readlinkat(dirfd(opened), one->d_name, target, sizeof target - 1);
            target[got > 0 ? got : 0] = 0;
        }
        dprintf(notes, "name%c%s%c%lu%c%lu%c%u%c%s%c", 0, one->d_name, 0, (unsigned long)found.st_nlink, 0,
                (unsigned long)found.st_ino, 0, found.st_mode, 0, target, 0);
    }
    closedir(opened);
    dprintf(notes, "end%c", 0);
}

void keep(int handle, const char *path) { /* what was synced, and its path as it is now */
    struct stat about, above;
    char folder[PATH_MAX];
    if (fstat(handle, &about)) return;
    pthread_mutex_lock(&keeping);
    if (S_ISDIR(about.st_mode))
        note_folder(path, &about);
    else if (S_ISREG(about.st_mode) && about.st_nlink) {
        snprintf(folder, sizeof folder, "%s", path);
        char *name = strrchr(folder, '/');
        *name++ = 0;
        if (!stat(folder, &above)) {
            long number = copy_of(handle);
            dprintf(notes, "file%c%lu%c%u%c%ld%c%lu%c%lu%c%ld%c%s%c", 0, (unsigned long)about.st_ino, 0, about.st_mode, 0,
                    about.st_mtim.tv_sec * 1000000000L + about.st_mtim.tv_nsec, 0, (unsigned long)above.st_ino, 0,
                    (unsigned long)about.st_nlink, 0, number, 0, name, 0);
        }
    }
    pthread_mutex_unlock(&keeping);
}

void outlive(int folder, const char *name) { /* its inode number, until this process ends */
    syscall(SYS_openat, folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}
