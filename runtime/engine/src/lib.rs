//! What an engine is: PHV, state, match tables, hashes, packet cursor.
