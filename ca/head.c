#include "ca/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ca/audit.h"
#include "ca/inventory.h"

#define DIGITS 20
#define HEX (2 * AUDIT_HASH)
#define LINE (DIGITS + 1 + HEX + 1) /* 00000000000000000042:...\n */
#define NAME "inventory/head"

struct head {
	uint64_t sequence; /* 0: there is none. */
	uint8_t hash[AUDIT_HASH];
};

static bool parse(char line[LINE + 1], struct head *out)
{
	char *end;

	if (strspn(line, "0123456789") != DIGITS || line[DIGITS] != ':' ||
	    line[LINE - 1] != '\n')
		return (false);
	line[LINE - 1] = '\0';
	errno = 0;
	out->sequence = strtoull(line, &end, 10);
	return (errno == 0 && out->sequence > 0 &&
		sn_bytes_unhex(end + 1, out->hash, AUDIT_HASH));
}

/* An empty file is one whose first line was never written. */
static bool read_head(int fd, struct head *out)
{
	char line[LINE + 1] = "";
	ssize_t n = pread(fd, line, LINE, 0);

	*out = (struct head){ .sequence = 0 };
	return (n == 0 || (n == LINE && parse(line, out)));
}

static enum sn_err end_of(const struct authority *a, struct head *out)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (err);
	err = audit_head(txn, &out->sequence, out->hash);
	sn_txn_abort(txn);
	return (err);
}

/* Where a kill or a fault of the disk cuts it short, it is one page at most,
 * which is there or not. */
static void write_head(int fd, const struct head *head)
{
	char line[LINE + 1], hex[HEX + 1];

	(void)snprintf(line, sizeof(line), "%0*llu:%s\n", DIGITS,
	    (unsigned long long)head->sequence,
	    sn_bytes_hex(head->hash, AUDIT_HASH, hex));
	(void)!pwrite(fd, line, LINE, 0);
}

void head_note(const struct authority *a)
{
	char path[PATH_BYTES];
	struct head now, last;
	int fd = open(
	    authority_path(a, path, NAME), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	/* Others end at the same time: the greater stays.  One that cannot be
	 * read stays as well, until check has spoken of it. */
	if (flock(fd, LOCK_EX) == 0 && end_of(a, &now) == SN_OK &&
	    read_head(fd, &last) && now.sequence > last.sequence)
		write_head(fd, &now);
	(void)close(fd);
}

static enum sn_err compare(
    const struct authority *a, const struct head *head, struct sn_why *why)
{
	uint8_t b[8];
	struct sn_wr w = sn_wr_over(b, sizeof(b));
	struct sn_bytes key = { b, sizeof(b) }, value;
	struct audit_entry e;
	struct sn_txn *txn;
	enum sn_err err;

	sn_wr_u64(&w, head->sequence);
	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	err = inventory_get(txn, TABLE_AUDIT, key, &value);
	if (err == SN_OK)
		err = audit_decode(key, value, &e);
	sn_txn_abort(txn);
	if (err == SN_ENOTFOUND ||
	    (err == SN_OK && memcmp(e.hash, head->hash, AUDIT_HASH) != 0))
		return (sn_why(why, SN_ECORRUPT,
		    "the inventory of %s has fallen back: entry %llu of the "
		    "audit trail, which was written once, is %s, and what "
		    "else was written with it is missing; issue and revoke "
		    "nothing, and run sicher-ca restore with the latest "
		    "backup, which keeps what is here",
		    a->dir, (unsigned long long)head->sequence,
		    err == SN_OK ? "another" : "gone"));
	return (inventory_why(a->store, err, why));
}

enum sn_err head_check(const struct authority *a, struct sn_why *why)
{
	char path[PATH_BYTES];
	struct head head;
	bool readable;
	int fd = open(authority_path(a, path, NAME), O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return (errno == ENOENT ? SN_OK
					: sn_why_errno(why, SN_EIO,
					      "cannot open %s", path));
	/* First this and then the books, which others may write to. */
	readable = read_head(fd, &head);
	(void)close(fd);
	if (!readable)
		return (sn_why(why, SN_ECORRUPT,
		    "%s is damaged, which tells where the audit trail ended; "
		    "compare that with what you noted (sicher-ca audit "
		    "verify), and remove the file",
		    path));
	return (head.sequence == 0 ? SN_OK : compare(a, &head, why));
}

enum sn_err head_forget(const char *dir, struct sn_why *why)
{
	char path[PATH_BYTES];

	(void)snprintf(path, sizeof(path), "%s/" NAME, dir);
	if (unlink(path) != 0 && errno != ENOENT)
		return (sn_why_errno(why, SN_EIO, "cannot remove %s", path));
	return (SN_OK);
}
