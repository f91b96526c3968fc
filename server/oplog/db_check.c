#include "server/oplog/db_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/oplog/db_migrate.h"

void db_check_found(struct db_check *c, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->findings++;
	c->finding(c->arg, text);
}

/* Damage that a part met where it looked something up is a finding like any
 * other, unless the walk itself cannot go on. */
static enum sn_err told(struct sn_txn *txn, struct db_check *c,
    const char *where, struct sn_bytes key, enum sn_err err)
{
	char hex[2 * 48 + 1];

	if ((err != SN_ECORRUPT && err != SN_ENEWER) ||
	    sn_txn_error(txn) != SN_OK)
		return (err);
	db_check_found(c, "%s: at the row %s: %s", where,
	    sn_bytes_hex(key.p, key.n < 48 ? key.n : 48, hex),
	    sn_err_text(err));
	return (SN_OK);
}

enum sn_err db_check_each(struct sn_txn *txn, struct db_check *c,
    enum db_table table, db_check_row *row, void *arg)
{
	struct sn_bytes key, value;
	struct sn_cursor *cursor;
	enum sn_err err;

	c->at(c->arg, db_table_name(table));
	if ((err = sn_cursor_open(txn, table, &cursor)) != SN_OK)
		return (err);
	err = sn_cursor_first(cursor, &key, &value);
	while (err == SN_OK) {
		c->rows++;
		err = told(txn, c, db_table_name(table), key,
		    row(txn, c, key, value, arg));
		if (err != SN_OK)
			break;
		err = sn_cursor_next(cursor, &key, &value);
	}
	sn_cursor_close(cursor);
	return (err == SN_ENOTFOUND ? SN_OK : err);
}

/* Tables that hold nothing but what they hold: every byte is read. */
static enum sn_err read_row(struct sn_txn *txn, struct db_check *c,
    struct sn_bytes key, struct sn_bytes value, void *arg)
{
	volatile uint8_t *last = arg;

	(void)txn;
	(void)c;
	for (size_t i = 0; i < key.n; i++)
		*last ^= ((const uint8_t *)key.p)[i];
	for (size_t i = 0; i < value.n; i++)
		*last ^= ((const uint8_t *)value.p)[i];
	return (SN_OK);
}

static enum sn_err check_format(struct sn_txn *txn, struct db_check *c)
{
	uint64_t format;
	enum sn_err err;

	c->at(c->arg, db_table_name(DB_META));
	if ((err = db_meta(txn, DB_META_FORMAT, &format)) != SN_OK)
		return (err);
	if (format > DB_FORMAT)
		db_check_found(c,
		    "meta: a newer sicherd wrote this (format %llu); check it "
		    "with that one",
		    (unsigned long long)format);
	else if (format < DB_FORMAT)
		db_check_found(c,
		    "meta: format %llu is an older one; start sicherd once, "
		    "which brings it to %d",
		    (unsigned long long)format, DB_FORMAT);
	return (SN_OK);
}

enum sn_err db_check(struct sn_txn *txn, struct db_check *c)
{
	enum sn_err (*const parts[])(struct sn_txn *, struct db_check *) = {
		db_check_log, db_check_people, db_check_rest
	};
	uint8_t sum = 0;
	enum sn_err err;

	c->findings = c->rows = c->messages = 0;
	err = told(
	    txn, c, "meta", sn_bytes_of(DB_META_FORMAT), check_format(txn, c));
	if (err != SN_OK || c->findings > 0)
		return (err);
	for (enum db_table t = DB_META; t < DB_TABLE_COUNT; t++) {
		/* The log is read by its own check, with checksums. */
		if (t != DB_LOG &&
		    (err = db_check_each(txn, c, t, read_row, &sum)) != SN_OK)
			return (err);
	}
	c->rows = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		err = told(txn, c, db_table_name(DB_META),
		    (struct sn_bytes){ "", 0 }, parts[i](txn, c));
		if (err != SN_OK)
			return (err);
	}
	return (SN_OK);
}
