/*
 * What the machine gives when nothing but it is asked: signatures, synced
 * bytes, and group commits of the server's three tables, for batches and
 * numbers of rooms.  The bare loop over TLS is bare.c.
 *
 *	build/bench/limit [FOLDER [SECONDS]]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "tests/bench/commit.h"

#define RECORD (200 + COMMIT_AROUND) /* Of a message of 200 bytes. */

static const size_t batches[] = { 1, 10, 64, 100, 1000 };
static const uint64_t rooms[] = { 1, 100, 10000 };
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

/* P-256 over the 130-odd bytes that TLS 1.3 signs. */
static void signatures(double span)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char text[130] = { 0 }, sig[128];
	double begin;
	size_t size = sizeof(sig);
	long n = 0;

	must(key != NULL && ctx != NULL, "key");
	begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (; seconds(CLOCK_PROCESS_CPUTIME_ID) - begin < span; n++) {
		size = sizeof(sig);
		must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) &&
			 EVP_DigestSign(ctx, sig, &size, text, sizeof(text)),
		    "sign");
		(void)EVP_MD_CTX_reset(ctx);
	}
	(void)printf("P-256 sign    %8.1f us CPU\n", span * 1e6 / (double)n);
	begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (n = 0; seconds(CLOCK_PROCESS_CPUTIME_ID) - begin < span; n++) {
		must(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) &&
			 EVP_DigestVerify(ctx, sig, size, text, sizeof(text)) ==
			     1,
		    "verify");
		(void)EVP_MD_CTX_reset(ctx);
	}
	(void)printf("P-256 verify  %8.1f us CPU\n", span * 1e6 / (double)n);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

/* Appended to a file that has its length already, as LMDB's mostly has. */
static void synced(const char *folder, double span)
{
	char path[4096], *bytes = calloc(1000, RECORD);
	int fd;

	(void)snprintf(path, sizeof(path), "%s/bytes", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && bytes != NULL, path);
	must(ftruncate(fd, 1 << 28) == 0, "ftruncate");
	(void)printf("fdatasync, records of %d bytes a second\n", RECORD);
	for (size_t i = 0; i < COUNT(batches); i++) {
		size_t size = batches[i] * RECORD, n = 0;
		double begin = seconds(CLOCK_MONOTONIC), took;

		do {
			off_t at = (off_t)(n * size % (1 << 27));

			must(pwrite(fd, bytes, size, at) == (ssize_t)size &&
				 fdatasync(fd) == 0,
			    "write");
			n++;
			took = seconds(CLOCK_MONOTONIC) - begin;
		} while (took < span);
		(void)printf("  %6zu a batch %13.0f\n", batches[i],
		    (double)(n * batches[i]) / took);
	}
	(void)close(fd);
	(void)unlink(path);
	free(bytes);
}

static void one(
    const char *folder, uint64_t many, size_t batch, double span, double *cpu)
{
	static const uint8_t record[RECORD];
	struct commit c;
	char path[4096], file[4096 + 16];
	double begin, used, took;
	uint64_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/lmdb", folder);
	c = commit_open(path);
	begin = seconds(CLOCK_MONOTONIC);
	used = seconds(CLOCK_PROCESS_CPUTIME_ID);
	do {
		for (size_t i = 0; i < batch; i++, n++)
			commit_put(&c, n * 7919 % many, record, RECORD);
		commit_end(&c);
		took = seconds(CLOCK_MONOTONIC) - begin;
	} while (took < span);
	used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
	commit_close(&c);
	(void)printf(" %11.0f", (double)n / took);
	*cpu = used * 1e6 / (double)n;
	(void)snprintf(file, sizeof(file), "%s/data.mdb", path);
	(void)unlink(file);
	(void)snprintf(file, sizeof(file), "%s/lock.mdb", path);
	(void)unlink(file);
	(void)rmdir(path);
}

static void commits(const char *folder, double span)
{
	(void)printf("LMDB, the three tables, synced commits: records a second "
		     "(us CPU each)\n%16s",
	    "");
	for (size_t r = 0; r < COUNT(rooms); r++)
		(void)printf(" %8llu room%s    ", (unsigned long long)rooms[r],
		    rooms[r] == 1 ? " " : "s");
	(void)putchar('\n');
	for (size_t b = 0; b < COUNT(batches); b++) {
		(void)printf("  %6zu a batch", batches[b]);
		for (size_t r = 0; r < COUNT(rooms); r++) {
			double cpu;

			one(folder, rooms[r], batches[b], span, &cpu);
			(void)printf(" (%4.1f)", cpu);
			(void)fflush(stdout);
		}
		(void)putchar('\n');
	}
}

int main(int argc, char **argv)
{
	char made[] = "/var/tmp/sicher-limit.XXXXXX";
	const char *folder = argc > 1 ? argv[1] : mkdtemp(made);
	double span = argc > 2 ? strtod(argv[2], NULL) : 1;

	must(folder != NULL, made);
	signatures(span);
	synced(folder, span);
	commits(folder, span);
	if (argc < 2)
		(void)rmdir(folder);
	return (0);
}
