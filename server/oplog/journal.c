#include "server/oplog/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libdeflate.h>

#include "lib/file.h"
#include "lib/temp.h"

#define MAGIC "SNJOURN1"
#define MAGIC_BYTES 8
#define HEAD_BYTES 4096
#define ENTRY_HEAD 16
#define OP_HEAD 4

struct journal {
	int fd;
	uint64_t key;
	uint64_t end; /* Where the next entry goes. */
	uint32_t sum; /* Of the entry before it. */
	/* The next entry, with room for its head. */
	uint8_t *entry;
	size_t len;
	uint64_t first; /* Its first operation's sequence. */
};

static uint32_t first_sum(uint64_t key)
{
	uint8_t bytes[8];
	struct sn_wr w = sn_wr_over(bytes, sizeof(bytes));

	sn_wr_u64(&w, key);
	return (libdeflate_crc32(0, bytes, sizeof(bytes)));
}

/* Over all of an entry but the checksum itself. */
static uint32_t sum_of(uint32_t before, const uint8_t *entry, size_t n)
{
	before = libdeflate_crc32(before, entry, 4);
	return (libdeflate_crc32(before, entry + 8, n - 8));
}

void journal_restart(struct journal *j)
{
	j->end = HEAD_BYTES;
	j->sum = first_sum(j->key);
}

uint64_t journal_used(const struct journal *j)
{
	return (j->end - HEAD_BYTES);
}

void journal_drop(struct journal *j)
{
	j->len = ENTRY_HEAD;
}

static void path_of(char *out, size_t size, const char *dir)
{
	(void)snprintf(out, size, "%s/journal", dir);
}

static enum sn_err new_journal(int fd, uint64_t key, struct journal **out)
{
	struct journal *j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return (SN_ENOMEM);
	if ((j->entry = malloc(JOURNAL_BYTES)) == NULL) {
		free(j);
		return (SN_ENOMEM);
	}
	j->fd = fd;
	j->key = key;
	journal_drop(j);
	journal_restart(j);
	*out = j;
	return (SN_OK);
}

/* Whether the file's head is that of a journal with this key. */
static enum sn_err check_head(
    int fd, uint64_t key, const char *path, struct sn_why *why)
{
	uint8_t head[MAGIC_BYTES + 8];
	struct sn_rd r = sn_rd_over(head, sizeof(head));
	struct stat st;

	if (fstat(fd, &st) != 0)
		return (sn_why_errno(why, SN_EIO, "cannot read %s", path));
	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(sn_rd_take(&r, MAGIC_BYTES), MAGIC, MAGIC_BYTES) != 0)
		return (sn_why(why, SN_ECORRUPT,
		    "%s is no journal; move it away, and what it held of the "
		    "last moment before the server ended is lost",
		    path));
	if (sn_rd_u64(&r) == key)
		return (SN_OK);
	if (st.st_size <= HEAD_BYTES)
		return (SN_ENOTFOUND);
	return (sn_why(why, SN_ECORRUPT,
	    "%s is the journal of another database; move it away, or put its "
	    "own database back beside it",
	    path));
}

static enum sn_err open_it(const char *dir, int flags, uint64_t key,
    struct journal **out, struct sn_why *why)
{
	char path[4112];
	enum sn_err err;
	int fd;

	path_of(path, sizeof(path), dir);
	if ((fd = open(path, flags | O_CLOEXEC)) < 0)
		return (errno == ENOENT ? SN_ENOTFOUND
					: sn_why_errno(why, SN_EIO,
					      "cannot open %s", path));
	if ((err = check_head(fd, key, path, why)) == SN_OK &&
	    (err = new_journal(fd, key, out)) != SN_OK)
		(void)sn_why(why, err, "no memory for the journal");
	if (err != SN_OK)
		(void)close(fd);
	return (err);
}

enum sn_err journal_open(
    const char *dir, uint64_t key, struct journal **out, struct sn_why *why)
{
	return (open_it(dir, O_RDWR, key, out, why));
}

enum sn_err journal_open_to_read(
    const char *dir, uint64_t key, struct journal **out, struct sn_why *why)
{
	return (open_it(dir, O_RDONLY, key, out, why));
}

static enum sn_err write_head(uint64_t key, struct sn_temp *temp)
{
	uint8_t head[HEAD_BYTES] = { 0 };
	struct sn_wr w = sn_wr_over(head, sizeof(head));
	ssize_t n;

	sn_wr_put(&w, MAGIC, MAGIC_BYTES);
	sn_wr_u64(&w, key);
	n = pwrite(temp->fd, head, sizeof(head), 0);
	if (n == (ssize_t)sizeof(head))
		return (SN_OK);
	return (sn_err_of_errno(n < 0 ? errno : ENOSPC));
}

enum sn_err journal_make(
    const char *dir, uint64_t key, struct journal **out, struct sn_why *why)
{
	struct sn_temp temp;
	char path[4112];
	enum sn_err err;

	path_of(path, sizeof(path), dir);
	if ((err = sn_temp_open(path, 0600, &temp, why)) != SN_OK)
		return (err);
	if ((err = write_head(key, &temp)) != SN_OK) {
		sn_temp_drop(&temp);
		return (sn_why(why, err, "cannot write %s", path));
	}
	if ((err = sn_temp_appear(&temp, path, true, why)) != SN_OK)
		return (err);
	return (journal_open(dir, key, out, why));
}

void journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	(void)close(j->fd);
	free(j->entry);
	free(j);
}

/* What an entry's head says, and its operations. */
struct entry {
	size_t n; /* All of it. */
	uint32_t sum;
	uint64_t first;
	struct sn_rd ops;
};

static bool open_entry(
    const uint8_t *p, size_t n, uint32_t before, struct entry *out)
{
	struct sn_rd r = sn_rd_over(p, n);
	size_t ops = sn_rd_u32(&r);

	out->sum = sn_rd_u32(&r);
	out->first = sn_rd_u64(&r);
	if (r.bad || ops == 0 || ops > r.left)
		return (false);
	out->n = ENTRY_HEAD + ops;
	out->ops = sn_rd_over(p + ENTRY_HEAD, ops);
	return (sum_of(before, p, out->n) == out->sum);
}

static enum sn_err each_op(
    struct entry *e, uint64_t *seq, journal_call *call, void *arg)
{
	struct sn_bytes op;
	enum sn_err err = SN_OK;

	while (err == SN_OK && e->ops.left > 0) {
		op.n = sn_rd_u32(&e->ops);
		op.p = sn_rd_take(&e->ops, op.n);
		err = e->ops.bad ? SN_ECORRUPT : call(arg, (*seq)++, op);
	}
	return (err);
}

/*
 * Whether what is no entry was one, and is damaged: it was whole when the next
 * one was written behind it, which is chained to what its head still says.
 * What an earlier round has left goes on like that, too, with sequences that
 * the tables hold.
 */
static bool is_damaged(const uint8_t *p, size_t n, uint64_t last)
{
	struct sn_rd r = sn_rd_over(p, n);
	size_t ops = sn_rd_u32(&r);
	uint32_t sum = sn_rd_u32(&r);
	struct entry next;

	(void)sn_rd_u64(&r);
	if (r.bad || ops > r.left)
		return (false);
	return (open_entry(r.p + ops, r.left - ops, sum, &next) &&
		next.first > last);
}

static enum sn_err replay(struct journal *j, const uint8_t *p, size_t n,
    uint64_t last, journal_call *call, void *arg)
{
	uint64_t seq = 0;
	struct entry e;
	enum sn_err err = SN_OK;

	journal_restart(j);
	while (err == SN_OK && open_entry(p, n, j->sum, &e)) {
		if (journal_used(j) > 0 && e.first != seq)
			break;
		seq = e.first;
		j->sum = e.sum;
		j->end += e.n;
		p += e.n;
		n -= e.n;
		err = each_op(&e, &seq, call, arg);
	}
	return (err == SN_OK && is_damaged(p, n, last) ? SN_ECORRUPT : err);
}

enum sn_err journal_replay(
    struct journal *j, uint64_t last, journal_call *call, void *arg)
{
	uint8_t *all = malloc(JOURNAL_BYTES);
	size_t n = 0;
	ssize_t got = 1;
	enum sn_err err = SN_EIO;

	if (all == NULL)
		return (SN_ENOMEM);
	while (got > 0 && n < JOURNAL_BYTES) {
		got = pread(
		    j->fd, all + n, JOURNAL_BYTES - n, (off_t)(HEAD_BYTES + n));
		n += got > 0 ? (size_t)got : 0;
	}
	if (got >= 0)
		err = replay(j, all, n, last, call, arg);
	free(all);
	return (err);
}

enum sn_err journal_add(struct journal *j, uint64_t seq, struct sn_bytes op)
{
	uint64_t taken = journal_used(j) + j->len + OP_HEAD;
	struct sn_wr w;

	if (taken > JOURNAL_BYTES || op.n > JOURNAL_BYTES - taken)
		return (SN_EFULL);
	if (j->len == ENTRY_HEAD)
		j->first = seq;
	w = sn_wr_over(j->entry + j->len, OP_HEAD + op.n);
	sn_wr_u32(&w, (uint32_t)op.n);
	sn_wr_put(&w, op.p, op.n);
	j->len += w.n;
	return (SN_OK);
}

static void close_entry(struct journal *j)
{
	struct sn_wr head = sn_wr_over(j->entry, ENTRY_HEAD);
	struct sn_wr sum = sn_wr_over(j->entry + 4, 4);

	sn_wr_u32(&head, (uint32_t)(j->len - ENTRY_HEAD));
	sn_wr_u32(&head, 0);
	sn_wr_u64(&head, j->first);
	j->sum = sum_of(j->sum, j->entry, j->len);
	sn_wr_u32(&sum, j->sum);
}

enum sn_err journal_sync(struct journal *j)
{
	uint32_t before = j->sum;
	size_t n = j->len;
	ssize_t written;

	if (n == ENTRY_HEAD)
		return (SN_OK);
	close_entry(j);
	journal_drop(j);
	written = pwrite(j->fd, j->entry, n, (off_t)j->end);
	if (written != (ssize_t)n) {
		j->sum = before;
		/* A short write is a disk without room. */
		return (sn_err_of_errno(written < 0 ? errno : ENOSPC));
	}
	if (fdatasync(j->fd) != 0)
		return (SN_EIO);
	j->end += n;
	return (SN_OK);
}
