#include <stddef.h>
#include <stdint.h>

#include "server/oplog/op.h"

/* A damaged row of the log is an error, never a fault. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct op op;

	if (op_decode((struct sn_bytes){ data, size }, &op) == SN_OK &&
	    (op.kind == 0 || op.kind >= OP_KIND_END))
		__builtin_trap();
	return (0);
}
