"""One file a page: all that the lab knows of it before it is opened. What it draws is in `app.ui.page_*`."""
