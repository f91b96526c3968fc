#include "ca/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "ca/inventory.h"
#include "lib/clock.h"
#include "lib/file.h"

#define FORMAT 1
/* How long CRLs are good for unless the policy says otherwise. */
#define CRL_SECONDS (INT64_C(7) * 86400)
#define CRL_ROOT_SECONDS (INT64_C(365) * 86400)
/* A clock may be slewed by this much without anybody having turned it. */
#define CLOCK_SLACK 5

const char *authority_path(
    const struct authority *a, char *out, const char *format, ...)
{
	size_t n;
	va_list ap;

	(void)snprintf(out, PATH_BYTES, "%s/", a->dir);
	n = strlen(out);
	va_start(ap, format);
	(void)vsnprintf(out + n, PATH_BYTES - n, format, ap);
	va_end(ap);
	return (out);
}

static enum sn_err start(
    const char *dir, struct authority **out, struct sn_why *why)
{
	struct authority *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return (sn_why(why, SN_ENOMEM, "out of memory"));
	a->running = -1;
	a->crl_life = CRL_SECONDS;
	a->crl_root_life = CRL_ROOT_SECONDS;
	if (strlen(dir) >= sizeof(a->dir)) {
		free(a);
		return (sn_why(why, SN_EINVAL, "path too long: %s", dir));
	}
	memcpy(a->dir, dir, strlen(dir) + 1);
	*out = a;
	return (SN_OK);
}

/* Everybody at work holds this lock shared; the kernel lets go of it when a
 * process dies, so leftovers can be told from work going on. */
static enum sn_err announce(struct authority *a, struct sn_why *why)
{
	char path[PATH_BYTES];

	authority_path(a, path, "inventory/running.lock");
	a->running = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (a->running < 0 || flock(a->running, LOCK_SH) != 0)
		return (sn_why_errno(why, SN_EIO, "cannot lock %s", path));
	return (SN_OK);
}

bool authority_alone(const struct authority *a)
{
	return (flock(a->running, LOCK_EX | LOCK_NB) == 0);
}

void authority_together(const struct authority *a)
{
	(void)flock(a->running, LOCK_SH);
}

static enum sn_err write_meta(struct authority *a, struct sn_why *why)
{
	struct sn_txn *txn;
	enum sn_err err;

	if ((err = sn_txn_write(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	if ((err = inventory_set_number(txn, "format", FORMAT)) != SN_OK ||
	    (err = inventory_put(txn, TABLE_META, sn_bytes_of("organisation"),
		 sn_bytes_of(a->organisation))) != SN_OK) {
		sn_txn_abort(txn);
		return (inventory_why(a->store, err, why));
	}
	return (inventory_why(a->store, sn_txn_commit(txn), why));
}

static enum sn_err read_meta(struct authority *a, struct sn_why *why)
{
	struct sn_bytes name = { NULL, 0 };
	struct sn_txn *txn;
	enum sn_err err;
	int64_t format;

	if ((err = sn_txn_read(a->store, &txn)) != SN_OK)
		return (inventory_why(a->store, err, why));
	if ((err = inventory_number(txn, "format", 0, &format)) == SN_OK)
		err = inventory_get(
		    txn, TABLE_META, sn_bytes_of("organisation"), &name);
	if (err == SN_ENOTFOUND ||
	    (err == SN_OK && name.n >= sizeof(a->organisation)))
		err = SN_ECORRUPT;
	if (err == SN_OK && name.p != NULL) {
		memcpy(a->organisation, name.p, name.n);
		a->organisation[name.n] = '\0';
	}
	sn_txn_abort(txn);
	if (err != SN_OK)
		return (inventory_why(a->store, err, why));
	if (format > FORMAT)
		return (sn_why(why, SN_ENEWER,
		    "%s was written by a newer sicher-ca; use that one",
		    a->dir));
	return (SN_OK);
}

enum sn_err authority_folders(const char *dir, struct sn_why *why)
{
	static const struct {
		const char *name;
		mode_t mode;
	} all[] = { { "private", 0700 }, { "inventory", 0700 },
		{ "servers", 0755 }, { "people", 0700 } };
	char path[PATH_BYTES];
	enum sn_err err = SN_EINVAL;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (snprintf(path, sizeof(path), "%s/%s", dir, all[i].name) >=
			(int)sizeof(path) ||
		    (err = sn_file_mkdir(path, all[i].mode, why)) != SN_OK)
			return (err);
	return (SN_OK);
}

enum sn_err authority_create(const char *dir, const char *organisation,
    struct authority **out, struct sn_why *why)
{
	struct authority *a;
	char path[PATH_BYTES];
	enum sn_err err;

	if ((err = start(dir, &a, why)) != SN_OK)
		return (err);
	(void)snprintf(
	    a->organisation, sizeof(a->organisation), "%s", organisation);
	if ((err = sn_file_mkdir(dir, 0755, why)) != SN_OK ||
	    (err = authority_folders(dir, why)) != SN_OK ||
	    (err = announce(a, why)) != SN_OK ||
	    (err = inventory_create(authority_path(a, path, "inventory"),
		 &a->store, why)) != SN_OK ||
	    (err = write_meta(a, why)) != SN_OK) {
		authority_close(a);
		return (err);
	}
	*out = a;
	return (SN_OK);
}

static enum sn_err check_folder(const struct authority *a, struct sn_why *why)
{
	char path[PATH_BYTES];

	authority_path(a, path, "inventory/data.mdb");
	if (access(path, F_OK) != 0)
		return (sn_why(why,
		    errno == ENOENT || errno == ENOTDIR ? SN_ENOTFOUND : SN_EIO,
		    "there is no authority in %s; say where it is with --dir "
		    "or SICHER_CA_DIR, or make one with sicher-ca init",
		    a->dir));
	return (sn_file_private(authority_path(a, path, "private"), why));
}

enum sn_err authority_open(
    const char *dir, bool read_only, struct authority **out, struct sn_why *why)
{
	struct authority *a;
	char path[PATH_BYTES];
	enum sn_err err;

	if ((err = start(dir, &a, why)) != SN_OK)
		return (err);
	if ((err = check_folder(a, why)) != SN_OK ||
	    (!read_only && (err = announce(a, why)) != SN_OK) ||
	    (err = inventory_open(authority_path(a, path, "inventory"),
		 read_only, &a->store, why)) != SN_OK ||
	    (err = read_meta(a, why)) != SN_OK) {
		authority_close(a);
		return (err);
	}
	*out = a;
	return (SN_OK);
}

void authority_close(struct authority *a)
{
	if (a == NULL)
		return;
	sn_store_close(a->store);
	if (a->running >= 0)
		(void)close(a->running);
	free(a);
}

enum sn_err authority_now(struct sn_txn *txn, int64_t *now, struct sn_why *why)
{
	char a[SN_CLOCK_TEXT], b[SN_CLOCK_TEXT];
	int64_t clock = sn_clock_wall_s(), last;
	enum sn_err err;

	if ((err = inventory_number(txn, "last_time", 0, &last)) != SN_OK)
		return (sn_why(why, err, "cannot read the inventory: %s",
		    sn_err_text(err)));
	*now = clock < last ? last : clock;
	if (clock + CLOCK_SLACK < last)
		return (sn_why(why, SN_EDENIED,
		    "the clock says %s, but the books were last written at "
		    "%s; set the clock, or if the books are wrong run "
		    "sicher-ca check --accept-clock",
		    sn_clock_rfc3339(clock, a), sn_clock_rfc3339(last, b)));
	return (SN_OK);
}

enum sn_err authority_touch(struct sn_txn *txn, int64_t now)
{
	return (inventory_set_number(txn, "last_time", now));
}
