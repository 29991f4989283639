# The server may be below an init of its container. Stopped by the kernel and not by Docker, it stands for milliseconds: users notice nothing.
members() { members=$(family "$pid"); }
