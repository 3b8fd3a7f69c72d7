"""The Open Inference Protocol over gRPC. (A folder named `grpc` could be taken for the library.)"""
