//! A private Mosquitto and PostgreSQL in one folder.
