#ifndef SN_LIB_ERR_H
#define SN_LIB_ERR_H

/*
 * The one error type that crosses files.  Each code has a class, which
 * answers the only question a caller asks of an error it does not know --
 * try again, our fault, the peer's fault, the caller's request was wrong --
 * and a text for the operator.
 */
enum sn_class {
	SN_C_OK,      /* No error. */
	SN_C_RETRY,   /* Nothing is wrong; the same call may succeed later. */
	SN_C_LOCAL,   /* This machine or this program failed. */
	SN_C_PEER,    /* The peer broke the protocol or may not come in. */
	SN_C_REQUEST, /* What was asked for cannot be done as asked. */
};

/* clang-format off */
#define SN_ERR_TABLE(X)                                                     \
	X(SN_OK,         SN_C_OK,      "ok")                                \
	X(SN_EAGAIN,     SN_C_RETRY,   "not possible yet")                  \
	X(SN_EFULL,      SN_C_RETRY,   "queue above its high-water mark")   \
	X(SN_EBUSY,      SN_C_RETRY,   "busy")                              \
	X(SN_ENOMEM,     SN_C_LOCAL,   "out of memory")                     \
	X(SN_EIO,        SN_C_LOCAL,   "a system call failed")              \
	X(SN_ECRYPTO,    SN_C_LOCAL,   "the cryptography library failed")   \
	X(SN_ESTORE,     SN_C_LOCAL,   "storage engine failed")             \
	X(SN_ESTOREFULL, SN_C_LOCAL,   "storage is full")                   \
	X(SN_ECORRUPT,   SN_C_LOCAL,   "stored data is damaged")            \
	X(SN_ENEWER,     SN_C_LOCAL,   "stored by a newer version")         \
	X(SN_ECONF,      SN_C_LOCAL,   "configuration is not valid")        \
	X(SN_EMODE,      SN_C_LOCAL,   "file is open to other users")       \
	X(SN_EBUG,       SN_C_LOCAL,   "a broken invariant of ours")        \
	X(SN_ECLOSED,    SN_C_PEER,    "peer closed the connection")        \
	X(SN_EPROTO,     SN_C_PEER,    "peer violated the protocol")        \
	X(SN_ETOOBIG,    SN_C_PEER,    "larger than its limit")             \
	X(SN_ETIMEOUT,   SN_C_PEER,    "peer took too long")                \
	X(SN_ECERT,      SN_C_PEER,    "certificate is not acceptable")     \
	X(SN_EREVOKED,   SN_C_PEER,    "certificate is revoked")            \
	X(SN_EEXPIRED,   SN_C_PEER,    "certificate has expired")           \
	X(SN_ENOACCOUNT, SN_C_PEER,    "certificate opens no account")      \
	X(SN_EDISABLED,  SN_C_PEER,    "account is disabled")               \
	X(SN_EAUTH,      SN_C_PEER,    "password was not accepted")         \
	X(SN_EPASSPHRASE,SN_C_REQUEST, "passphrase is wrong")               \
	X(SN_EINVAL,     SN_C_REQUEST, "argument is not valid")             \
	X(SN_ENOTFOUND,  SN_C_REQUEST, "not found")                         \
	X(SN_EEXISTS,    SN_C_REQUEST, "exists already")                    \
	X(SN_EDENIED,    SN_C_REQUEST, "not permitted")                     \
	X(SN_ELIMIT,     SN_C_REQUEST, "a configured limit is reached")     \
	X(SN_EINUSE,     SN_C_REQUEST, "in use by another session")
/* clang-format on */

#define SN_ERR_ENUM_(code, class, text) code,
enum sn_err { SN_ERR_TABLE(SN_ERR_ENUM_) SN_ERR_COUNT };
#undef SN_ERR_ENUM_

#define SN_MUST_USE __attribute__((warn_unused_result))
#define SN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/** sn_err_class(err): the class of ${err}. */
enum sn_class sn_err_class(enum sn_err err);

/** sn_err_text(err): the operator's text of ${err}; static storage. */
const char *sn_err_text(enum sn_err err);

/** sn_err_name(err): the code's own name, "SN_EPROTO"; static storage. */
const char *sn_err_name(enum sn_err err);

/** sn_err_of_errno(number): the code of a failed call on a file: SN_ENOTFOUND,
 * SN_EEXISTS, SN_ESTOREFULL (disk or quota), SN_ENOMEM, and SN_EIO for all
 * others. */
enum sn_err sn_err_of_errno(int number);

/*
 * One sentence for a person, filled in where the cause is known and carried
 * up to where it is shown: what happened, to which certificate, file or
 * line, and what to do next.  Functions that take one accept NULL.
 */
struct sn_why {
	char text[512];
};

/**
 * sn_why(why, err, format, ...):
 * Write the sentence into ${why} (NULL: nowhere; too long: cut) and return
 * ${err}, so that a failure is explained and returned in one statement.
 */
enum sn_err sn_why(struct sn_why *why, enum sn_err err, const char *format, ...)
    SN_PRINTF(3, 4);

/**
 * sn_why_errno(why, err, format, ...):
 * As sn_why, with ": " and strerror(errno) behind the sentence.
 */
enum sn_err sn_why_errno(struct sn_why *why, enum sn_err err,
    const char *format, ...) SN_PRINTF(3, 4);

#endif
