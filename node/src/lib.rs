//! The asterism binary: command line and service wiring.
