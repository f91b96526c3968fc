#include "ca/status.h"

enum status status_of(enum sn_err err)
{
	switch (err) {
	case SN_OK:
		return (STATUS_OK);
	case SN_EINVAL:
		return (STATUS_USAGE);
	case SN_ENOTFOUND:
		return (STATUS_NOT_FOUND);
	case SN_EDENIED:
	case SN_EEXISTS:
	case SN_ECERT:
	case SN_EREVOKED:
	case SN_EEXPIRED:
	case SN_ELIMIT:
	case SN_ETOOBIG:
		return (STATUS_REFUSED);
	case SN_ECORRUPT:
	case SN_ENEWER:
		return (STATUS_INTEGRITY);
	default:
		return (STATUS_FAILED);
	}
}
