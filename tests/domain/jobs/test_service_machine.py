"""The whole job service, whatever clients and processes do; see the machine itself for what is checked."""

from hypothesis import settings

from gitoma.adapters.testing.job_service_machine import JobServiceMachine

TestJobService = JobServiceMachine.TestCase
TestJobService.settings = settings(max_examples=60, stateful_step_count=40)
