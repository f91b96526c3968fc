#include <stdarg.h>
#include <stdio.h>

#include "client/model.h"

void model_page(struct model *model, const char *title)
{
	(void)snprintf(
	    model->page_title, sizeof(model->page_title), "%s", title);
	model->page_n = 0;
	model->page_top = 0;
}

void model_add(struct model *model, const char *format, ...)
{
	size_t room = sizeof(model->page) - model->page_n;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(model->page + model->page_n, room, format, ap);
	va_end(ap);
	if (n > 0)
		model->page_n += (size_t)n < room ? (size_t)n : room - 1;
}

void model_leave(struct model *model)
{
	model->page_title[0] = '\0';
	model->page_n = 0;
}
