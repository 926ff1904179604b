//! A project as it lies in its folder: its files, its plans, its store, and the clients of its connections.
