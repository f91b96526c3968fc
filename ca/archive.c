#include "ca/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "lib/bytes.h"
#include "lib/file.h"
#include "lib/secret.h"
#include "lib/temp.h"

#define MAGIC "SICHER-CA-BACKUP "
#define VERSION "1\n"
#define NAME_MAX_BYTES 255
#define HASH_BYTES 32
#define FILE_MAX ((size_t)1 << 20)
#define PIECE 65536
#define EMPTY_SECONDS 60

struct archive {
	char path[PATH_MAX];
	struct sn_temp temp;
};

static enum sn_err put(
    struct archive *ar, const void *p, size_t n, struct sn_why *why)
{
	enum sn_err err = sn_file_put(ar->temp.fd, p, n);

	if (err != SN_OK)
		(void)sn_why_errno(why, err, "cannot write %s", ar->path);
	return (err);
}

static enum sn_err put_u64(struct archive *ar, uint64_t v, struct sn_why *why)
{
	uint8_t b[8];
	struct sn_wr w = sn_wr_over(b, sizeof(b));

	sn_wr_u64(&w, v);
	return (put(ar, b, sizeof(b), why));
}

static enum sn_err put_name(
    struct archive *ar, const char *name, struct sn_why *why)
{
	uint8_t b[2 + NAME_MAX_BYTES];
	struct sn_wr w = sn_wr_over(b, sizeof(b));

	sn_wr_blob(&w, sn_bytes_of(name));
	if (w.bad)
		return (SN_ETOOBIG);
	return (put(ar, b, w.n, why));
}

/* What a killed backup left beside, under whatever name. */
static bool is_leftover(int fd, const char *entry, size_t n)
{
	char head[sizeof(MAGIC)] = "";
	struct stat st;

	(void)entry;
	(void)n;
	if (fstat(fd, &st) != 0)
		return (false);
	/* A fresh one that is empty may be another's, not yet locked. */
	if (st.st_size == 0)
		return (st.st_mtime < time(NULL) - EMPTY_SECONDS);
	return (pread(fd, head, strlen(MAGIC), 0) == (ssize_t)strlen(MAGIC) &&
		strcmp(head, MAGIC) == 0);
}

enum sn_err archive_create(
    const char *path, int64_t now, struct archive **out, struct sn_why *why)
{
	struct archive *ar = calloc(1, sizeof(*ar));
	char folder[PATH_MAX];
	enum sn_err err;

	if (ar == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	(void)snprintf(folder, sizeof(folder), "%s", path);
	(void)sn_temp_sweep(dirname(folder), is_leftover);
	(void)snprintf(ar->path, sizeof(ar->path), "%s", path);
	if ((err = sn_temp_open(path, 0600, &ar->temp, why)) != SN_OK) {
		free(ar);
		return (err);
	}
	if ((err = put(ar, MAGIC VERSION, strlen(MAGIC VERSION), why)) !=
		SN_OK ||
	    (err = put_u64(ar, (uint64_t)now, why)) != SN_OK) {
		archive_abandon(ar);
		return (err);
	}
	*out = ar;
	return (SN_OK);
}

void archive_abandon(struct archive *ar)
{
	if (ar == NULL)
		return;
	sn_temp_drop(&ar->temp);
	free(ar);
}

enum sn_err archive_add(
    struct archive *ar, const char *name, const char *from, struct sn_why *why)
{
	enum sn_err err;
	char *text;
	size_t n;

	if ((err = sn_file_read(from, FILE_MAX, &text, &n, why)) != SN_OK)
		return (err);
	if ((err = put_name(ar, name, why)) == SN_OK &&
	    (err = put_u64(ar, n, why)) == SN_OK)
		err = put(ar, text, n, why);
	sn_secret_wipe(text, n);
	free(text);
	return (err);
}

enum sn_err archive_add_store(struct archive *ar, const char *name,
    struct sn_store *store, struct sn_why *why)
{
	uint8_t b[8];
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	off_t from, to;
	enum sn_err err;

	/* Its size is known afterwards, and then written over a zero. */
	if ((err = put_name(ar, name, why)) != SN_OK ||
	    (err = put_u64(ar, 0, why)) != SN_OK)
		return (err);
	from = lseek(ar->temp.fd, 0, SEEK_CUR);
	if ((err = sn_store_copy(store, ar->temp.fd, why)) != SN_OK)
		return (err);
	to = lseek(ar->temp.fd, 0, SEEK_END);
	if (from < 0 || to < from)
		return (
		    sn_why_errno(why, SN_EIO, "cannot seek in %s", ar->path));
	sn_wr_u64(&w, (uint64_t)(to - from));
	if (pwrite(ar->temp.fd, b, sizeof(b), from - (off_t)sizeof(b)) !=
	    (ssize_t)sizeof(b))
		return (sn_why_errno(why, SN_EIO, "cannot write %s", ar->path));
	return (SN_OK);
}

/* SHA-256 of the first ${n} bytes. */
static enum sn_err digest(int fd, off_t n, uint8_t out[HASH_BYTES])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t *piece = malloc(PIECE);
	off_t at = 0;
	bool ok;

	ok = c != NULL && piece != NULL &&
	     EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;
	while (ok && at < n) {
		size_t want = n - at < PIECE ? (size_t)(n - at) : PIECE;
		ssize_t got = pread(fd, piece, want, at);

		if (got < 0 && errno == EINTR)
			continue;
		ok = got > 0 && EVP_DigestUpdate(c, piece, (size_t)got) == 1;
		at += got;
	}
	ok = ok && EVP_DigestFinal_ex(c, out, NULL) == 1;
	EVP_MD_CTX_free(c);
	free(piece);
	return (ok ? SN_OK : SN_EIO);
}

enum sn_err archive_finish(struct archive *ar, struct sn_why *why)
{
	uint8_t hash[HASH_BYTES];
	enum sn_err err;
	off_t n;

	if ((err = put_name(ar, "", why)) == SN_OK) {
		n = lseek(ar->temp.fd, 0, SEEK_CUR);
		if (n < 0 || digest(ar->temp.fd, n, hash) != SN_OK)
			err = sn_why_errno(
			    why, SN_EIO, "cannot read %s", ar->path);
		else
			err = put(ar, hash, sizeof(hash), why);
	}
	if (err != SN_OK) {
		archive_abandon(ar);
		return (err);
	}
	/* Where another file of that name is, it stays. */
	err = sn_temp_appear(&ar->temp, ar->path, false, why);
	free(ar);
	return (err);
}

/* A file that is being read. */
struct reader {
	const char *path, *folder;
	int fd;
	off_t at, end; /* ${end} is where the checksum begins. */
};

static enum sn_err cut_off(const struct reader *r, struct sn_why *why)
{
	return (sn_why(why, SN_ECORRUPT,
	    "%s is cut off or damaged; take another backup", r->path));
}

static enum sn_err take(
    struct reader *r, void *out, size_t n, struct sn_why *why)
{
	uint8_t *to = out;

	if ((off_t)n > r->end - r->at)
		return (cut_off(r, why));
	while (n > 0) {
		ssize_t got = pread(r->fd, to, n, r->at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (sn_why_errno(
			    why, SN_EIO, "cannot read %s", r->path));
		to += got;
		n -= (size_t)got;
		r->at += got;
	}
	return (SN_OK);
}

static enum sn_err take_number(
    struct reader *r, size_t bytes, uint64_t *out, struct sn_why *why)
{
	uint8_t b[8] = { 0 };
	struct sn_rd rd = sn_rd_over(b, sizeof(b));
	enum sn_err err = take(r, b + sizeof(b) - bytes, bytes, why);

	*out = sn_rd_u64(&rd);
	return (err);
}

static enum sn_err check_whole(struct reader *r, struct sn_why *why)
{
	static const char magic[] = MAGIC VERSION;
	uint8_t want[HASH_BYTES], have[HASH_BYTES];
	char head[sizeof(magic)] = "";
	struct stat st;
	enum sn_err err;

	if (fstat(r->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return (sn_why(why, SN_EINVAL, "%s is no file", r->path));
	r->end = st.st_size;
	if (r->end < (off_t)strlen(magic) ||
	    (err = take(r, head, strlen(magic), why)) != SN_OK ||
	    strncmp(head, MAGIC, strlen(MAGIC)) != 0)
		return (sn_why(
		    why, SN_EINVAL, "%s is no backup of sicher-ca", r->path));
	if (strcmp(head, magic) != 0)
		return (sn_why(why, SN_ENEWER,
		    "%s was written by a newer sicher-ca", r->path));
	r->end -= HASH_BYTES;
	if (r->end < r->at ||
	    pread(r->fd, want, sizeof(want), r->end) != (ssize_t)sizeof(want) ||
	    digest(r->fd, r->end, have) != SN_OK ||
	    memcmp(want, have, sizeof(want)) != 0)
		return (cut_off(r, why));
	return (SN_OK);
}

/* Only names that a backup of ours has lead anywhere. */
static bool is_safe(const char *name)
{
	static const char *const folders[] = { "inventory/", "private/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (strncmp(name, folders[i], strlen(folders[i])) == 0) {
			name += strlen(folders[i]);
			break;
		}
	return (name[0] != '.' && name[0] != '\0' &&
		strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") ==
		    strlen(name));
}

static enum sn_err copy_out(
    struct reader *r, int fd, uint64_t n, const char *to, struct sn_why *why)
{
	char *piece = malloc(PIECE);
	enum sn_err err = SN_OK;

	if (piece == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	while (err == SN_OK && n > 0) {
		size_t want = n < PIECE ? (size_t)n : PIECE;

		if ((err = take(r, piece, want, why)) != SN_OK)
			break;
		n -= want;
		if (write(fd, piece, want) != (ssize_t)want)
			err = sn_why_errno(why, SN_EIO, "cannot write %s", to);
	}
	if (err == SN_OK && fsync(fd) != 0)
		err = sn_why_errno(why, SN_EIO, "cannot sync %s", to);
	free(piece);
	return (err);
}

static enum sn_err extract_one(
    struct reader *r, const char *name, struct sn_why *why)
{
	char to[PATH_MAX];
	uint64_t size;
	enum sn_err err;
	int fd;

	if (!is_safe(name))
		return (cut_off(r, why));
	if ((err = take_number(r, 8, &size, why)) != SN_OK)
		return (err);
	if (snprintf(to, sizeof(to), "%s/%s", r->folder, name) >=
	    (int)sizeof(to))
		return (sn_why(why, SN_EINVAL, "path too long: %s", to));
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return (sn_why_errno(why, SN_EIO, "cannot create %s", to));
	err = copy_out(r, fd, size, to, why);
	(void)close(fd);
	return (err);
}

static enum sn_err extract_all(
    struct reader *r, int64_t *time, struct sn_why *why)
{
	char name[NAME_MAX_BYTES + 1];
	uint64_t n;
	enum sn_err err;

	if ((err = check_whole(r, why)) != SN_OK ||
	    (err = take_number(r, 8, &n, why)) != SN_OK)
		return (err);
	*time = (int64_t)n;
	for (;;) {
		if ((err = take_number(r, 2, &n, why)) != SN_OK)
			return (err);
		if (n == 0)
			return (r->at == r->end ? SN_OK : cut_off(r, why));
		if (n > NAME_MAX_BYTES)
			return (cut_off(r, why));
		if ((err = take(r, name, (size_t)n, why)) != SN_OK)
			return (err);
		name[n] = '\0';
		if ((err = extract_one(r, name, why)) != SN_OK)
			return (err);
	}
}

enum sn_err archive_extract(
    const char *path, const char *folder, int64_t *time, struct sn_why *why)
{
	struct reader r = { .path = path, .folder = folder };
	enum sn_err err;

	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0)
		return (
		    sn_why_errno(why, errno == ENOENT ? SN_ENOTFOUND : SN_EIO,
			"cannot open %s", path));
	err = extract_all(&r, time, why);
	(void)close(r.fd);
	return (err);
}
