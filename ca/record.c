#include "ca/record.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define VERSION 1

enum sn_err record_encode(const struct record *rec, uint8_t *out, size_t *n)
{
	struct sn_wr w = sn_wr_over(out, RECORD_MAX);

	sn_wr_u8(&w, VERSION);
	sn_wr_u8(&w, (uint8_t)rec->state);
	sn_wr_u8(&w, (uint8_t)rec->kind);
	sn_wr_u8(&w, rec->reason);
	sn_wr_u32(&w, rec->issuer);
	sn_wr_u64(&w, (uint64_t)rec->created);
	sn_wr_u64(&w, (uint64_t)rec->not_before);
	sn_wr_u64(&w, (uint64_t)rec->not_after);
	sn_wr_u64(&w, (uint64_t)rec->revoked_at);
	sn_wr_u64(&w, (uint64_t)rec->due);
	sn_wr_blob(&w, sn_bytes_of(rec->name));
	sn_wr_blob(&w, sn_bytes_of(rec->label));
	sn_wr_blob(&w, sn_bytes_of(rec->profile));
	sn_wr_put(&w, rec->fingerprint, FINGERPRINT_BYTES);
	sn_wr_blob(&w, rec->der);
	*n = w.n;
	return (w.bad ? SN_ETOOBIG : SN_OK);
}

enum sn_err record_decode(
    struct sn_bytes serial, struct sn_bytes value, struct record *out)
{
	struct sn_rd r = sn_rd_over(value.p, value.n);

	if (serial.n != SERIAL_BYTES)
		return (SN_ECORRUPT);
	memcpy(out->serial, serial.p, SERIAL_BYTES);
	if (sn_rd_u8(&r) != VERSION)
		return (SN_ENEWER);
	out->state = sn_rd_u8(&r);
	out->kind = sn_rd_u8(&r);
	out->reason = sn_rd_u8(&r);
	out->issuer = sn_rd_u32(&r);
	out->created = (int64_t)sn_rd_u64(&r);
	out->not_before = (int64_t)sn_rd_u64(&r);
	out->not_after = (int64_t)sn_rd_u64(&r);
	out->revoked_at = (int64_t)sn_rd_u64(&r);
	out->due = (int64_t)sn_rd_u64(&r);
	sn_rd_text(&r, out->name, sizeof(out->name));
	sn_rd_text(&r, out->label, sizeof(out->label));
	sn_rd_text(&r, out->profile, sizeof(out->profile));
	sn_rd_copy(&r, out->fingerprint, FINGERPRINT_BYTES);
	out->der = sn_rd_blob(&r);
	return (sn_rd_end(&r) ? SN_OK : SN_ECORRUPT);
}

const char *record_kind_text(enum record_kind kind)
{
	switch (kind) {
	case KIND_ROOT:
		return ("root");
	case KIND_ISSUER:
		return ("issuer");
	case KIND_CLIENT:
		return ("client");
	case KIND_SERVER:
		return ("server");
	}
	return ("unknown");
}

const char *record_state_text(const struct record *rec, int64_t now)
{
	switch (rec->state) {
	case STATE_PENDING:
		return ("pending");
	case STATE_ABANDONED:
		return ("abandoned");
	case STATE_REVOKED:
		return ("revoked");
	case STATE_VALID:
		return (now > rec->not_after ? "expired" : "valid");
	}
	return ("unknown");
}

/* RFC 5280, 5.3.1, but hold (6), its removal (8), and the unused 7. */
static const char *const reasons[] = {
	[0] = "unspecified",
	[1] = "keyCompromise",
	[2] = "cACompromise",
	[3] = "affiliationChanged",
	[4] = "superseded",
	[5] = "cessationOfOperation",
	[9] = "privilegeWithdrawn",
	[10] = "aACompromise",
};

const char *record_reason_text(uint8_t reason)
{
	if (reason >= sizeof(reasons) / sizeof(reasons[0]))
		return (NULL);
	return (reasons[reason]);
}

bool record_reason_of(const char *text, uint8_t *out)
{
	for (uint8_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i] != NULL && strcasecmp(reasons[i], text) == 0) {
			*out = i;
			return (true);
		}
	return (false);
}
