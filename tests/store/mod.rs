//! The store's contract, sentence by sentence.
