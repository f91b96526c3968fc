#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/frame.h"

/*
 * Received bytes: taken apart as frames, each parsed by its type.  What was
 * parsed must come back the same when it is written and read again.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define X(number, lower, UPPER)                                            \
	static void again_##lower(const struct sn_frame *frame)            \
	{                                                                  \
		static uint8_t one[SN_FRAME_MAX + 64];                     \
		static uint8_t two[SN_FRAME_MAX + 64];                     \
		struct sn_wr w = sn_wr_over(one, sizeof(one));             \
		struct sn_wr v = sn_wr_over(two, sizeof(two));             \
		struct sn_frame_##lower got, back;                         \
		struct sn_frame second;                                    \
                                                                           \
		if (!sn_frame_get_##lower(frame, &got))                    \
			return;                                            \
		sn_frame_put_##lower(&w, &got);                            \
		if (w.bad)                                                 \
			abort();                                           \
		if (sn_frame_open(one, w.n, SN_FRAME_MAX + 32, &second) != \
			SN_OK ||                                           \
		    second.type != number || second.size != w.n ||         \
		    !sn_frame_get_##lower(&second, &back))                 \
			abort();                                           \
		sn_frame_put_##lower(&v, &back);                           \
		if (v.bad || v.n != w.n || memcmp(one, two, w.n) != 0)     \
			abort();                                           \
	}
SN_FRAMES(X)
#undef X

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sn_frame frame;

	while (sn_frame_open(data, size, SN_FRAME_MAX, &frame) == SN_OK) {
		switch (frame.type) {
#define X(number, lower, UPPER)        \
	case number:                   \
		again_##lower(&frame); \
		break;
			SN_FRAMES(X)
#undef X
		default:
			break;
		}
		data += frame.size;
		size -= frame.size;
	}
	return (0);
}
