//! SidecarStore and SidecarQueue on SQLite through sea-orm.
