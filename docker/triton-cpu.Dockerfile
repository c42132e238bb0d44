# A slim image for hosts without a GPU: the server that `sparse-export serve` runs, without torch and CUDA.
#   docker build -f docker/triton-cpu.Dockerfile -t sparse-triton-cpu .
#   docker run --rm --shm-size=1g -p 127.0.0.1:8000:8000 sparse-triton-cpu
FROM python:3.11-slim-bookworm

WORKDIR /opt/sparse-export
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY clients/python clients/python
COPY exporter exporter
COPY training training
# Serving needs the base dependencies alone. What builds the package is pinned too; not by ENV, as the server's steps have
# other versions.
RUN export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    && pip install --no-cache-dir .

# Downloads tritonserver and makes the environment of its steps.
ENV XDG_CACHE_HOME=/opt/cache
RUN python -c "from sparse_export.serving.environment import prepare; prepare(print)" \
    && rm -r /opt/cache/sparse-export/nvidia-pytriton-* \
    && useradd --uid 1000 --create-home triton

ARG REPOSITORY=model_repository
COPY --chown=1000 ${REPOSITORY} /models
COPY docker/probe.py /opt/probe.py

USER 1000
ENV MODEL=splade
EXPOSE 8000 8001 8002
HEALTHCHECK --start-period=60s --interval=15s --timeout=12s \
    CMD ["sh", "-c", "python /opt/probe.py ${MODEL}_document"]
ENTRYPOINT ["sparse-export", "serve", "/models", "--host", "0.0.0.0"]
