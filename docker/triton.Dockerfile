# NVIDIA's Triton with all backends, for GPU and CPU, and a model repository inside. Build it at the root:
#   docker build -f docker/triton.Dockerfile -t sparse-triton .
#   docker run --rm --shm-size=1g --gpus=1 -p 127.0.0.1:8000:8000 sparse-triton --model-config-name=gpu
# docs/runtimes.md has the ONNX Runtime of each image from 24.10 on, and what graphs give in it on a CPU.
ARG TRITON=25.02-py3
FROM nvcr.io/nvidia/tritonserver:${TRITON}

# What the tokenize step imports beside numpy, which the image has.
RUN PIP_BREAK_SYSTEM_PACKAGES=1 pip install --no-cache-dir tokenizers==0.23.3

ARG REPOSITORY=model_repository
COPY ${REPOSITORY} /models
COPY docker/probe.py /opt/probe.py

# The name that the models were written under: `sparse-export triton --name`.
ENV MODEL=splade
EXPOSE 8000 8001 8002
HEALTHCHECK --start-period=120s --interval=15s --timeout=12s \
    CMD ["sh", "-c", "python3 /opt/probe.py ${MODEL}_document"]
ENTRYPOINT ["/opt/nvidia/nvidia_entrypoint.sh", "tritonserver", "--model-repository=/models", "--disable-auto-complete-config"]
