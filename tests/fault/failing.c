#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * A disk, or a system, that fails when told to: preloaded into a server by
 * test_disk.py.  The first bytes of the file $FAILING say which calls answer
 * EIO, whether what is being synced stays so until they say otherwise, and
 * whether there is no room for the pages of a database; they are mapped
 * before the server gives up its right to open files.
 */
enum {
	FAIL_SYNC,
	FAIL_WRITE,
	FAIL_META,
	FAIL_STALL,
	FAIL_STALLED, /* Ours: somebody is being kept. */
	FAIL_THREADS, /* From this one on no thread of a process starts. */
	FAIL_FULL,
	FAIL_BYTES
};

/* LMDB's two pages that say what is in force; it writes them synchronously,
 * and the whole of them when it is opened. */
#define META_BYTES 8192
#define PAGE 4096

static volatile char *told;

__attribute__((constructor)) static void map_orders(void)
{
	const char *path = getenv("FAILING");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, FAIL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		told = p;
	(void)close(fd);
}

static int fails(int which)
{
	if (told == NULL || told[which] == 0)
		return (0);
	errno = EIO;
	return (1);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void stall(void)
{
	while (told != NULL && told[FAIL_STALL] != 0) {
		told[FAIL_STALLED] = 1;
		(void)poll(NULL, 0, 1);
	}
}

int fdatasync(int fd)
{
	stall();
	return (fails(FAIL_SYNC) ? -1 : REAL(fdatasync)(fd));
}

int msync(void *p, size_t n, int flags)
{
	stall();
	return (fails(FAIL_SYNC) ? -1 : REAL(msync)(p, n, flags));
}

/* What LMDB writes is whole pages, and a journal's entry is none. */
static int is_full(size_t n, off_t at)
{
	if (told == NULL || told[FAIL_FULL] == 0 || at < META_BYTES ||
	    n % PAGE != 0)
		return (0);
	errno = ENOSPC;
	return (1);
}

static int is_meta(int fd, size_t n, off_t at)
{
	return (at < META_BYTES &&
		(n == PAGE || (fcntl(fd, F_GETFL) & O_DSYNC) != 0));
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (is_meta(fd, n, at) && fails(FAIL_META))
		return (-1);
	if (is_full(n, at))
		return (-1);
	return (fails(FAIL_WRITE) ? -1 : REAL(pwrite)(fd, p, n, at));
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	if (is_meta(fd, n, at) && fails(FAIL_META))
		return (-1);
	if (is_full(n, at))
		return (-1);
	return (fails(FAIL_WRITE) ? -1 : REAL(pwrite64)(fd, p, n, at));
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	if (is_full(v[0].iov_len, at))
		return (-1);
	return (fails(FAIL_WRITE) ? -1 : REAL(pwritev)(fd, v, n, at));
}

ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	if (is_full(v[0].iov_len, at))
		return (-1);
	return (fails(FAIL_WRITE) ? -1 : REAL(pwritev64)(fd, v, n, at));
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how,
    void *(*start)(void *), void *arg)
{
	static atomic_int count;

	if (told != NULL && told[FAIL_THREADS] != 0 &&
	    atomic_fetch_add(&count, 1) + 1 >= told[FAIL_THREADS])
		return (EAGAIN);
	return (REAL(pthread_create)(thread, how, start, arg));
}
